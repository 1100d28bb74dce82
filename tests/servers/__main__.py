"""Prints which of Debian's packages the tests of live streams want, and are not here. For `make test-live`."""

from tests.servers.needs import PACKAGES, missing

print(*(packages for need, packages in PACKAGES.items() if missing(need)))
