"""MediaPipe's face mesh as a :class:`~vfx_deepfake.face.landmarks.Detector`.

Imported only when it is wanted: mediapipe is an optional extra. Measured: 0.10.21 gives equal points for equal
pictures, about 7 ms a face on one core.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

# The C++ side reads these when it is loaded.
os.environ.setdefault("GLOG_minloglevel", "3")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.landmarks import Detection
from vfx_deepfake.face.topology import MEDIAPIPE

MAX_FACES = 5
MIN_SCORE = 0.4  # of MediaPipe's own box detector; assumed, false faces are sorted out by agreement between views
WARM_UP_PX = 128


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what C++ libraries print to file descriptor 2 away from the artist; shown after all when the work fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except BaseException:
            sink.seek(0)
            os.write(saved, sink.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


class MediaPipeDetector:
    """The face mesh with irises, every picture on its own (no memory of earlier frames).

    Raises: ImportError where mediapipe is missing.
    """

    topology = MEDIAPIPE

    def __init__(self) -> None:
        with quiet_stderr():
            import mediapipe

            self.name = f"mediapipe {mediapipe.__version__} face_mesh"
            self._mesh = mediapipe.solutions.face_mesh.FaceMesh(
                static_image_mode=True,
                max_num_faces=MAX_FACES,
                refine_landmarks=True,
                min_detection_confidence=MIN_SCORE,
            )
            self._mesh.process(np.zeros((WARM_UP_PX, WARM_UP_PX, 3), np.uint8))
        self._has_spoken = False  # it prints on first use, and again with the first face

    def detect(self, display_rgb: np.ndarray) -> list[Detection]:
        """Every face in (H, W, 3) float32 0..1 display-encoded RGB."""
        height, width = display_rgb.shape[:2]
        codes = np.ascontiguousarray((np.clip(display_rgb, 0, 1) * 255 + 0.5).astype(np.uint8))
        try:
            with contextlib.nullcontext() if self._has_spoken else quiet_stderr():
                answer = self._mesh.process(codes)
        except (RuntimeError, ValueError) as error:
            raise TrackError(f"mediapipe failed on a picture of {width} x {height} ({error})") from error
        self._has_spoken = self._has_spoken or bool(answer.multi_face_landmarks)
        found = []
        for face in answer.multi_face_landmarks or []:
            points = np.array([(point.x * width, point.y * height) for point in face.landmark], np.float64)
            if np.isfinite(points).all():
                found.append(Detection(points))
        return found
