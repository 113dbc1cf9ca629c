"""The check that a bundle is the one that its run's training wrote."""

from __future__ import annotations

from brainseg.errors import BundleError
from brainseg.runs.run import Run


def check_digest(run: Run, digest: str) -> None:
    """Refuse a bundle that its run's training did not write.

    Args:
        run: A run with or without a recorded digest; runs of earlier versions have none, and any bundle is accepted.
        digest: The digest of the bundle.

    Raises:
        BundleError: The digests differ.
    """
    if run.bundle_digest and digest not in run.bundle_digest.split():
        raise BundleError(
            f"The model of run {run.name!r} was changed after its training (its digest begins with {digest[:12]}, the "
            f"recorded one with {run.bundle_digest[:12]}): choose another run or train again."
        )
