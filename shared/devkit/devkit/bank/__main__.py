"""`python -m devkit.bank`: the bank until SIGTERM or SIGINT; its settings are in `devkit.bank.settings`."""

import os
import signal
from types import FrameType

from devkit.bank.counter import Counter
from devkit.bank.settings import BankSettings

READY = "ready"


def main() -> None:
    settings = BankSettings.of_environment()
    asked_to_stop: list[int] = []

    def ask(number: int, _: FrameType | None) -> None:
        asked_to_stop.append(number)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    counter = Counter(settings)
    counter.open()
    ready = settings.directory / READY
    ready.write_text(str(os.getpid()))
    print("ready", flush=True)
    while not asked_to_stop:
        counter.turn()
    counter.close()
    ready.unlink(missing_ok=True)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
