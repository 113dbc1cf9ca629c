"""The errors that users can cause. Each message is one sentence: what is wrong, and what to do about it."""

from __future__ import annotations


class BrainsegError(Exception):
    """Base class of all errors that users can fix; the command line prints the text and exits with code 2."""


class ConfigError(BrainsegError):
    """A setting has a value that is not allowed."""


class ScanError(BrainsegError):
    """A file cannot be read as an image; the message names the file."""


class DataError(BrainsegError):
    """A dataset cannot be used in its present state."""


class WeightsError(BrainsegError):
    """Pretrained weights are not available or do not fit the network."""


class BundleError(BrainsegError):
    """A model bundle is damaged, of an unknown kind, or was changed."""


class TrainingError(BrainsegError):
    """A training stopped for a reason that the user can fix."""


class RunError(BrainsegError):
    """A run does not exist, or its state does not allow what the user asked for."""


class StoreError(BrainsegError):
    """The run store, or the storage of its files, cannot be used as it is set up."""


class UnreachableStoreError(StoreError):
    """The run store does not answer now; the same request may succeed later."""


class ReadingError(BrainsegError):
    """A reader study does not allow what the user asked for, or its files cannot be used."""


class MissingLibraryError(BrainsegError):
    """A needed library is not installed; the message names the extra that installs it."""


class LimitError(BrainsegError):
    """A limit that the people who run this brainseg have set is reached."""


class AccessError(BrainsegError):
    """Somebody asked for something that their role does not allow, or is not signed in."""


class DiskError(BrainsegError):
    """The disk is full, or would become full."""


class BackendError(BrainsegError):
    """The backend that a user chose cannot answer for a model."""
