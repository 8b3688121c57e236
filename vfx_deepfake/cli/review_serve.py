"""``review serve``: the page in the browser."""

from __future__ import annotations

import argparse
import json
import sys
import webbrowser
from pathlib import Path
from typing import Any

PORT = 8420


def add_serve(parsers: Any) -> argparse.ArgumentParser:
    """Add the action and its options."""
    serve: argparse.ArgumentParser = parsers.add_parser("serve", help="the review page, for browsers")
    serve.add_argument("folder", nargs="?", default=".", help="the show's folder, or a shot's (default: here)")
    serve.add_argument("--host", default="127.0.0.1", metavar="ADDRESS",
                       help="where to listen (default: 127.0.0.1, this computer alone; 0.0.0.0: whoever can reach it)")  # fmt: skip
    serve.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0: any that is free")
    serve.add_argument("--name", action="append", default=[], metavar="HOST",
                       help="a name by which people reach the page, e.g. review.studio (again for more)")  # fmt: skip
    serve.add_argument("--single-user", action="store_true",
                       help="no login: who sits at this computer is the account that runs this; loopback only")  # fmt: skip
    serve.add_argument("--proxy-header", default="", metavar="NAME",
                       help="believe this header, e.g. X-Remote-User, for who somebody is, from --proxy-address alone")  # fmt: skip
    serve.add_argument("--proxy-address", default="", metavar="ADDRESS", help="the reverse proxy in front of the page")
    serve.add_argument(
        "--secure-cookies", action="store_true", help="browsers reach the page by TLS, whatever the proxy says"
    )
    serve.add_argument("--open", action="store_true", help="open it in a browser")
    return serve


def serve(args: argparse.Namespace) -> dict[str, Any]:
    """Serve until it is told to end."""
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.web.options import LOOPBACK_NAMES, Options
    from vfx_deepfake.web.server import ANY, serve

    own = [] if args.host in (*ANY, *LOOPBACK_NAMES) else [args.host]
    options = Options(
        single_user=args.single_user, proxy_header=args.proxy_header, proxy_address=args.proxy_address,
        hosts=tuple(name.lower() for name in (*args.name, *own)), secure_cookies=args.secure_cookies,
    )  # fmt: skip

    def tell(url: str, remarks: list[str]) -> None:
        print(json.dumps({"url": url}) if args.json else f"{url}  (Ctrl+C ends it)", flush=True)
        for line in remarks:
            print(f"vfx-deepfake review: {line}", file=sys.stderr, flush=True)
        if args.open:
            webbrowser.open(url)

    serve(find_place(Path(args.folder)), args.host, args.port, options, tell)
    return {}
