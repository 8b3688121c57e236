// The player: makes its parts, joins them by the state, and draws when something has changed.

import { Compare } from "./compare.js";
import { Dailies } from "./dailies.js";
import { Decide } from "./decide.js";
import { Draw } from "./draw.js";
import { Grade, NEUTRAL } from "./grade.js";
import { Guides } from "./guides.js";
import { describe, listen } from "./keys.js";
import { call } from "./net.js";
import { hear, Said } from "./news.js";
import { Notes } from "./notes.js";
import { Overlays } from "./overlays.js";
import { Pictures } from "./pictures.js";
import { Readout } from "./readout.js";
import { Source } from "./source.js";
import { State } from "./state.js";
import { keyTable } from "./table.js";
import { Tabs } from "./tabs.js";
import { Timeline } from "./timeline.js";
import { wire } from "./toolbar.js";
import { Transport } from "./transport.js";
import { View } from "./view.js";
import { Zoom } from "./zoom.js";

const BUDGET_BYTES = 768 * 2 ** 20; // of decoded pictures; assumed: 92 frames of 1920 x 1080, and a laptop keeps breathing

const page = JSON.parse(document.getElementById("page").textContent);
const root = document.querySelector(".player");
const stage = root.querySelector(".stage");

function beginning(info) {
  const asked = new URLSearchParams(location.search);
  const { frames } = info;
  const frame = Number(asked.get("frame"));
  const modes = ["a", "b", "wipe-v", "wipe-h", "difference", "side"];
  const others = choices(info).map(([value]) => value);
  return {
    frame: frames.includes(frame) ? frame : frames[0], speed: 0, loop: true, first: frames[0], last: frames.at(-1), dropped: 0, waiting: false,
    compare: modes.includes(asked.get("mode")) ? asked.get("mode") : "a",
    against: others.includes(asked.get("against")) ? asked.get("against") : others[0],
    wipe: 0.5, gain: 8, ...NEUTRAL, view: info.views[info.default_view]?.name ?? info.default_view, lut: null,
    layer: "", tintOpacity: 0.5, landmarks: false, letterbox: "", zoom: "fit", camera: { scale: 1, x: 0, y: 0 },
    pen: "", colour: "#ff8800", widthPx: Math.max(2, Math.round(info.width / 320)), draft: null, drawings: true,
    notes: page.notes, standing: page.standing, buffered: [], trouble: "", shown: null, late: true,
  };
}

async function start() {
  const view = new View(stage.querySelector("canvas"), () => again());
  const info = await call(`${page.media}/info.json`);
  const aspect = info.pixel_aspect; // of anamorphic plates: a plate pixel is that much wider than high on the screen
  const plate = [info.width * aspect, info.height];
  const state = new State(beginning(info));
  let pictures = null;
  const source = new Source(BUDGET_BYTES, () => arrived());
  const transport = new Transport(state, info.frames, info.rate[0] / info.rate[1], (frame) => pictures.ready(frame));
  const zoom = new Zoom(stage, state, plate, aspect, info.face);
  pictures = new Pictures(state, source, transport, info, page.media, page.shotMedia);
  const grade = new Grade(state, page.media, info);
  const overlays = new Overlays(state, info.layers);
  const parts = {
    state, transport, zoom, grade, overlays,
    compare: new Compare(state, stage, plate),
    draw: new Draw(state, stage, zoom, aspect),
    notes: new Notes(state, transport, page.api, root.querySelector("#pane-notes")),
    decide: new Decide(state, page.api, root.querySelector(".verdict"), page.words),
    dailies: new Dailies(document.querySelector(".dailies")),
    help: root.querySelector("dialog.help"),
  };
  new Guides(state, stage.querySelector(".paper"), info, page.media);
  const timeline = new Timeline(root.querySelector(".timeline"), state, transport);
  new Readout(root, state, info, pictures, grade);
  const tabs = new Tabs(root.querySelector(".panel"));
  offer(info, state);
  root.querySelector(".panel").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-frame]");
    if (!link) return;
    event.preventDefault();
    transport.seek(Number(link.dataset.frame));
  });
  joinKeys(parts, tabs);
  joinNews(state, parts);

  let drawn = 0; // the animation frame that was asked for
  let counted = ""; // what sort of pictures the buffered ones were last counted for
  const again = () => {
    stage.dataset.drawn = "no";
    drawn ||= requestAnimationFrame(draw);
  };
  state.on("frame compare against wipe gain exposure gamma channel lut layer tintOpacity camera", again);
  state.on("frame speed compare against layer channel camera first last loop", () => pictures.fetch());

  function arrived() {
    state.set({ buffered: pictures.buffered(), trouble: pictures.trouble(state.now.frame) ?? "" });
    again();
  }

  function draw() {
    drawn = 0;
    const now = state.now;
    fitCanvas(view.canvas, zoom.whole);
    if (!now.lut || !pictures.ready(now.frame)) return state.set({ late: true }); // the picture before stays, with a word on it
    view.draw({ ...now, a: pictures.a(now.frame), b: pictures.b(now.frame), plane: pictures.plane(now.frame), tint: overlays.tint, encoding: info.encoding, plate, fullWidth: info.width });
    stage.dataset.drawn = "yes";
    const kind = pictures.kind;
    state.set({ shown: now.frame, late: false, ...(kind === counted ? {} : { buffered: pictures.buffered() }) });
    counted = kind;
  }

  root.classList.add("running");
  zoom.place();
  timeline.show();
  parts.draw.show();
  pictures.fetch();
}

/** As many pixels in the canvas as it has on the screen. */
function fitCanvas(canvas, [width, height]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

/** What the server has, as choices: views, layers, and what B can be. */
function offer(info, state) {
  const fill = (field, values) => {
    const select = root.querySelector(`select[data-field=${field}]`);
    select.replaceChildren(...values.map(([value, text]) => new Option(text, value)));
    select.value = state.now[field];
  };
  fill("view", info.views.map((each) => [each.name, each.name]));
  fill("layer", [["", "none"], ...info.layers.map((each) => [each, each.replace("matte.", "matte: ")])]);
  fill("against", choices(info));
}

/** What B can be: [value, words] each. */
function choices(info) {
  const others = page.versions.filter((each) => each !== page.version);
  return [...(info.plate ? [["plate", "plate"]] : []), ...others.map((each) => [each, each]), ["before", "frame before"]];
}

function joinKeys(parts, tabs) {
  const table = keyTable({ ...parts, tabs });
  listen(table);
  describe(table, parts.help.querySelector(".keys"));
  wire(root, parts.state, table, (key, value) => {
    if (key === "compare") parts.compare.mode(value);
    else if (key === "channel") parts.grade.isolate(value);
    else if (key === "pen") parts.draw.toggle(value);
    else if (value === "fit") parts.zoom.fit();
    else if (value === "face") parts.zoom.lockFace();
  });
}

function joinNews(state, parts) {
  const said = new Said(root.querySelector(".news"));
  hear(page, {
    ...parts, said,
    offer: (version) => {
      const select = root.querySelector("select[data-field=against]");
      if (![...select.options].some((each) => each.value === version)) select.add(new Option(version, version));
      state.set({ against: version, compare: state.now.compare === "a" ? "wipe-v" : state.now.compare });
    },
  });
}

start().catch((error) => {
  const line = document.querySelector(".without");
  line.querySelector(".why").textContent = `The player can't run: ${error.message}.`;
  stage.insertAdjacentHTML("afterbegin", stage.querySelector("noscript").textContent); // the still, from the server's own page
});
