"""ultralytics by itself reaches for the network when it is imported and trains; the adapter never does."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

PROGRAM = """
import socket, sys
from pathlib import Path

asked = []

def refuse(*arguments, **_):
    asked.append(arguments)
    raise OSError("there is no network")

socket.getaddrinfo = refuse
socket.create_connection = refuse
socket.socket.connect = refuse
socket.socket.connect_ex = refuse
socket.socket.sendto = refuse

from fusionbench.contracts import DetectorTraining
from fusionbench_detectors.yolo import Yolo
from tests.detectors.drawn_squares import squares

out = Path(sys.argv[1])
images = squares(4)
training = DetectorTraining(classes=("square",), start=None, epochs=2, image_size=64, batch=2, seed=0)
weights = Yolo.train(images, training, out)
print("OUT", len(Yolo(weights).detect([image.image for image in images])))
assert "ultralytics" in sys.modules
assert "pytest" not in sys.modules  # ultralytics is on its best behaviour beside it
assert not asked, asked
print("SILENT")
"""


def test_neither_import_nor_detection_nor_training_asks_for_the_network(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "out")],
        cwd=REPOSITORY,
        env={"HOME": str(home), "PATH": "/usr/bin", "PYTHONPATH": ".:detectors", "OMP_NUM_THREADS": "1"}
        | {"MPLCONFIGDIR": str(tmp_path / "matplotlib"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Nothing else is printed, nothing lands in the user's folders, and its own folder is gone.
    assert done.stdout == "OUT 4\nSILENT\n"
    assert done.stderr == ""
    assert [path for path in home.rglob("*") if "ltralytics" in path.name] == []
    assert list(tmp_path.glob("fusionbench-ultralytics-*")) == []
