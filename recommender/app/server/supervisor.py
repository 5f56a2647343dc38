"""Starts the workers of one port, replaces those that die, and hands signals on to them.

It is run as a file, ``python -I supervisor.py COUNT COMMAND …``, and imports nothing but Python's
smallest modules, so that it takes 5 MB. Each worker is the command, with its place among the
workers in the environment variable MATINEE_WORKER_PLACE (see `worker.take_place`).
"""

import os
import select
import signal
import socket
import sys
import time

PLACE_VARIABLE = "MATINEE_WORKER_PLACE"
ROW_BYTES = 1024  # of each worker, in the table that they share
# A worker that lived for less is replaced after a pause, which is doubled each time.
MIN_LIFE_SECONDS, MAX_PAUSE_SECONDS = 10.0, 30.0
# How often it is looked whether the first worker has begun, so that the others may.
LOOK_SECONDS = 0.1
# Added to what the kernel judges by whom to kill, in thousandths of the memory: a worker before the
# process that would replace it.
OOM_SCORE = "50"
ENDING = (signal.SIGTERM, signal.SIGINT)


class Supervisor:
    """Keeps `count` workers running until a signal says to end.

    Each worker has a pair of sockets, on which it gets connections from the others; they stay
    open here, so that what is on its way to a worker that dies waits for the next one.
    """

    def __init__(self, count: int, command: list[str]) -> None:
        self.count, self.command = count, command
        self.table = os.memfd_create("matinee-workers", 0)
        os.ftruncate(self.table, count * ROW_BYTES)
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(count + 1)]
        self.sockets = [one for pair in pairs for one in pair]
        for one in self.sockets:
            one.setblocking(False)
        self.inherited = [self.table, *(one.fileno() for one in self.sockets)]
        for file in self.inherited:
            os.set_inheritable(file, True)
        self.running: dict[int, tuple[int, float]] = {}  # process: number, when it was started
        # The others begin when the first one has found all settings to be right.
        self.waiting = {0: 0.0}  # number: when to start it
        self.pauses = [0.0] * count
        self.has_begun = False
        self.asked: int = 0
        self.status = 0

    def run(self) -> None:
        """Watch over the workers until a signal has come and all of them have ended."""
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for ending in ENDING:
            signal.signal(ending, lambda number, _frame: self.end(number))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while self.running or not self.asked:
            self.look_for_the_first()
            now = time.monotonic()
            for number in [n for n, at in self.waiting.items() if at <= now]:
                if not self.asked:
                    self.start(number)
            pause = min([self.waiting[n] - now for n in self.waiting] + [MAX_PAUSE_SECONDS])
            if not self.has_begun:
                pause = LOOK_SECONDS
            if select.select([reading], [], [], max(0.0, pause))[0]:
                os.read(reading, 4096)
            self.reap()
        if self.status:
            sys.exit(self.status)
        signal.set_wakeup_fd(-1)
        signal.signal(self.asked, signal.SIG_DFL)
        signal.raise_signal(self.asked)

    def look_for_the_first(self) -> None:
        """Let the other workers begin once the first one has."""
        if not self.has_begun and any(os.pread(self.table, 8, 0)):
            self.has_begun = True
            self.waiting.update(dict.fromkeys(range(1, self.count), 0.0))

    def end(self, number: int) -> None:
        """Tell all workers to end."""
        self.asked = number
        self.waiting.clear()
        for process in self.running:
            os.kill(process, number)

    def start(self, number: int) -> None:
        """Start a worker."""
        self.waiting.pop(number, None)
        place = ",".join(map(str, (number, self.count, os.getpid(), *self.inherited)))
        # A signal between the fork and the new program would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        process = os.fork()
        if not process:
            try:
                os.setpgid(0, 0)  # Ctrl+C reaches this one alone, which hands it on
                for ending in ENDING:
                    signal.signal(ending, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
                try:
                    with open("/proc/self/oom_score_adj", "w") as score:
                        score.write(OOM_SCORE)
                except OSError:
                    pass
                os.execvpe(self.command[0], self.command, {**os.environ, PLACE_VARIABLE: place})
            finally:
                os._exit(127)
        self.running[process] = number, time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def reap(self) -> None:
        """Note which workers have ended."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            if process in self.running:
                self.ended(process, os.waitstatus_to_exitcode(status))

    def ended(self, process: int, code: int) -> None:
        """Have a worker replaced; end, if none could even begin."""
        number, started = self.running.pop(process)
        os.pwrite(self.table, bytes(ROW_BYTES), number * ROW_BYTES)
        if self.asked:
            return
        if not self.has_begun and code > 0:
            self.status = code
            self.end(signal.SIGTERM)
            return
        now, pause = time.monotonic(), 0.0
        if now - started < MIN_LIFE_SECONDS:
            pause = min(MAX_PAUSE_SECONDS, max(1.0, 2 * self.pauses[number]))
        self.pauses[number], self.waiting[number] = pause, now + pause
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        when = f"in {pause:g} s" if pause else "at once"
        print(
            f"{time.strftime('%Y-%m-%d %H:%M:%S')} worker {number + 1} (process {process}) has "
            f"ended: {how}; another one takes its place {when}",
            file=sys.stderr,
            flush=True,
        )


if __name__ == "__main__":
    Supervisor(int(sys.argv[1]), sys.argv[2:]).run()
