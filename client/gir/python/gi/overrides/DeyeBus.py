# SPDX-License-Identifier: Apache-2.0
"""Additions to DeyeBus for Python, beside its typelib. PyGObject loads this module with the namespace."""
from contextlib import contextmanager

from ..module import get_introspection_module
from ..overrides import override

DeyeBus = get_introspection_module("DeyeBus")
__all__ = []


class Client(DeyeBus.Client):
    @contextmanager
    def held(self):
        """Holds the client in a `with` block: the messages that are published in the block are written together at its end.

        The block may end with an exception, and blocks may be nested. See deye_bus_client_hold().
        """
        self.hold()
        try:
            yield self
        finally:
            self.release()


Client = override(Client)
__all__.append("Client")
