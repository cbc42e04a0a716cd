"""A write that fails leaves no partial file and loses no existing one."""

import errno
import os
import subprocess
import sys
import textwrap

import pytest

from laflow.cli import files
from laflow.errors import FileError


def write(content):
    return lambda stream: stream.write(content)


def fail_with(number):
    def fail(stream):
        stream.write(b"half of it")
        raise OSError(number, os.strerror(number))

    return fail


def test_a_file_is_replaced_and_its_folder_made(tmp_path):
    target = tmp_path / "new" / "deep" / "file.bin"
    files.write_file(target, write(b"first"))
    files.write_file(target, write(b"second"))
    assert target.read_bytes() == b"second"
    assert os.listdir(target.parent) == ["file.bin"]


def test_a_new_file_has_the_permissions_that_any_new_file_has(tmp_path):
    files.write_file(tmp_path / "ours", write(b"x"))
    (tmp_path / "plain").write_bytes(b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "disk is full; free some space"),
        (errno.EDQUOT, "disk is full"),
        (errno.EIO, "another place"),
    ],
)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, number, remedy):
    target = tmp_path / "file.bin"
    target.write_bytes(b"old")
    with pytest.raises(FileError, match=remedy):
        files.write_file(target, fail_with(number))
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path):
    def interrupt(stream):
        stream.write(b"half of it")
        raise KeyboardInterrupt

    (tmp_path / "file.bin").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        files.write_file(tmp_path / "file.bin", interrupt)
    assert (tmp_path / "file.bin").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_a_disk_that_is_really_full_is_told(tmp_path):
    """The kernel refuses the bytes here: the process may write files of 4 KiB at most."""
    script = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from laflow.cli.files import write_file
        from laflow.errors import FileError

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            write_file(Path(sys.argv[1]), lambda stream: stream.write(bytes(100_000)))
        except FileError as error:
            print(error)
    """)
    target = tmp_path / "file.bin"
    target.write_bytes(b"old")
    told = subprocess.run([sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=True)
    assert "larger than allowed" in told.stdout
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.write_file(tmp_path / "link", write(b"new"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("check", [files.check_writable, lambda path: files.write_file(path, write(b"x"))])
def test_folders_devices_and_paths_through_files_are_refused(tmp_path, check):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileError, match="is a folder"):
        check(tmp_path)
    with pytest.raises(FileError, match="no ordinary file"):
        check(type(tmp_path)("/dev/null"))
    with pytest.raises(FileError, match="a file, not a folder"):
        check(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_bytes() == b"old"
