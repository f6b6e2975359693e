"""A switch whose programs are installed in a folder of their own, so that a
test can put others there, as a package does: under the same name, in one
step, while the ones before run."""

import os
import shutil

from support.sip_switch import SipSwitch

DAEMONS = ("billingd", "regd", "mediad", "sipd")


class Installed(SipSwitch):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.programs = self.dir / "programs"
        self.programs.mkdir()
        for name in (*DAEMONS, "echod", self.program.name):
            if (self.bin / name).exists():
                self.install(name)
        self.program = self.programs / self.program.name
        self.text = self.text.replace(f'program_dir = "{self.bin}"',
                                      f'program_dir = "{self.programs}"')
        self.conf.write_text(self.text)

    def begin(self):
        super().begin()
        self.first = self.layout_of("calls")

    def install(self, name, source=None):
        """Another file under that name; source: of BIN, or a path."""
        new = self.programs / ("." + name)
        shutil.copy2(self.bin / (source or name), new)
        os.rename(new, self.programs / name)

    def install_text(self, name, text):
        """A program that is none."""
        new = self.programs / ("." + name)
        new.write_text(text)
        new.chmod(0o755)
        os.rename(new, self.programs / name)

    def layout_of(self, segment):
        """The version in the segment's header."""
        with open(f"/dev/shm/{self.shm}.{segment}", "rb") as f:
            return int.from_bytes(f.read(6)[4:6], "little")

    def beside(self):
        """What lies beside the segments; nothing, when nothing changes."""
        return sorted(p for p in os.listdir("/dev/shm")
                      if p.startswith(self.shm + ".") and
                      p.endswith((".new", ".aside", ".old")))
