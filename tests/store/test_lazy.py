import threading

from chromalab.lazy import cached_property


class Slow:
    def __init__(self, compute):
        self._compute = compute

    @cached_property
    def value(self):
        return self._compute()


def test_a_value_is_computed_once_and_keeps_no_other_instance_waiting():
    computed = threading.Event()
    calls = []

    def compute():
        calls.append(threading.get_ident())
        computed.wait()
        return len(calls)

    slow, quick = Slow(compute), Slow(lambda: "quick")
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    while not calls:
        pass
    assert quick.value == "quick"
    computed.set()
    thread.join()
    assert (slow.value, slow.value, len(calls)) == (1, 1, 1)
