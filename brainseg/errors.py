"""The errors a user can cause. Each message is one sentence: what is wrong and what to do about it."""

from __future__ import annotations


class BrainsegError(Exception):
    """Base of every error that the user can fix; the command line prints its text and exits with code 2."""


class ConfigError(BrainsegError):
    """A setting has a value that is not allowed."""


class ScanError(BrainsegError):
    """A file cannot be read as an image; the message names the file."""


class DataError(BrainsegError):
    """A dataset cannot be used as it is."""


class WeightsError(BrainsegError):
    """Pretrained weights cannot be had or do not fit."""


class BundleError(BrainsegError):
    """A model bundle is damaged, unknown or has been tampered with."""


class TrainingError(BrainsegError):
    """A training stopped for a reason that the user can act on."""


class RunError(BrainsegError):
    """A run does not exist or is not in a state that allows what was asked."""


class MissingLibraryError(BrainsegError):
    """A library is not installed that this needs; the message names the extra that installs it."""


class DiskError(BrainsegError):
    """The disk is full, or would be."""
