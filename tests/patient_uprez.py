"""`uprez` that has time to end in order on a machine under load: no limit forces or aborts its end.

python -m tests.patient_uprez ARGUMENT...
"""

from pipeline.cli import live
from pipeline.cli.main import main
from pipeline.live import scene_runner, service
from tests.waiting import DEADLINE

if __name__ == "__main__":
    live.FORCED_EXIT_SECONDS = 3 * DEADLINE
    service.STOP_SECONDS = scene_runner.CLOSE_SECONDS = DEADLINE
    main()
