"""A file that has its name only when it is proven: written beside the target, compared, and then put in its place."""

from pathlib import Path

from workbench.engine.core.digest import digest_of_file
from workbench.engine.core.reports import Verification
from workbench.engine.core.whole_file import put_in_place, written_beside
from workbench.engine.data.dataset import Dataset
from workbench.engine.export.verify import verify_file
from workbench.jobs import JobContext


def write_verified(
    data: bytes, path: Path, dataset: Dataset | None, ctx: JobContext, *, force: bool = False
) -> tuple[Verification, str]:
    """Write the previewed bytes, and keep the file if it answers as they do.

    Args:
        data: the bytes that were previewed.
        path: the target; what is there stays unless the new file is proven.
        dataset: as `verify_file` takes it.
        ctx: asked before each batch; told the progress.
        force: overwrite a file that is there.

    Returns:
        What the comparison found, and the SHA-256 of the file; "" if it is not what was previewed, and so not there.

    Raises:
        Cancelled: somebody asked to stop. Nothing is written then, as after an error.
        ExportError: the file cannot be written.
        VerificationError: a fresh process failed to open or run the file.
    """
    with written_beside(path, data) as written:
        verified = verify_file(data, written, dataset, ctx)
        if not verified.ok:
            return verified, ""
        ctx.checkpoint()
        digest = digest_of_file(written)
        put_in_place(written, path, force=force)
    return verified, digest
