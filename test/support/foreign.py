"""Peers that others have written: baresip, Kamailio."""

import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

from support.cluster import wait_for
from support.sipp import is_bound

SKIPPED = 77
MODULES = "/usr/lib/baresip/modules"
VOID = "aubridge,void"


def needs(program):
    """Or the case is skipped."""
    if not shutil.which(program):
        print(f"skipped: there is no {program}")
        sys.exit(SKIPPED)


def outer_address():
    """An IPv4 address of this machine that is not loopback: media at loopback
    are refused. Nothing leaves the machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("198.51.100.1", 9))
        except OSError:
            print("skipped: this machine has no address but loopback")
            sys.exit(SKIPPED)
        return s.getsockname()[0]


def free_port(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


class Program:
    """One that runs in a directory of its own until the block ends."""

    def __init__(self, words, address, port):
        self.address, self.port = address, port
        self.out = open(self.dir / "log", "wb")  # closed in __exit__
        self.process = subprocess.Popen(
            words, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.out,
            stderr=self.out)
        wait_for(10, lambda: self.process.poll() is not None or
                 is_bound(address, port), f"{words[0]} to be there")

    def log(self):
        return (self.dir / "log").read_text(errors="replace")

    def end(self):
        """As a user would; its calls are ended first."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.end()
        self.out.close()
        if kind is not None:
            print(f"--- {type(self).__name__}\n{self.log()[-6000:]}")
        shutil.rmtree(self.dir)


class Baresip(Program):
    """Answers whoever calls; dial: calls a number through proxy. sound: a WAV
    file that it speaks; what it hears is in heard() then."""

    def __init__(self, address, proxy, user="8801711000000", dial=None,
                 sound=None):
        needs("baresip")
        port = free_port(address)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-baresip."))
        (self.dir / "config").write_text(
            f"sip_listen {address}:{port}\n"
            f"module_path {MODULES}\n"
            f"audio_source {'aufile,' + str(sound) if sound else VOID}\n"
            f"audio_player {VOID}\naudio_alert {VOID}\n"
            "rtp_ports 30000-39000\nrtp_stats no\n"
            "module g711.so\nmodule aubridge.so\n"
            + (f"module aufile.so\nmodule sndfile.so\nsnd_path {self.dir}\n"
               "ausrc_srate 8000\nausrc_channels 1\n"
               "auplay_srate 8000\nauplay_channels 1\n" if sound else "") +
            "module_tmp account.so\nmodule_app menu.so\n", encoding="utf-8")
        (self.dir / "accounts").write_text(
            f"<sip:{user}@{address}:{port}>;regint=0;answermode=auto;"
            f'outbound="sip:{proxy[0]}:{proxy[1]}"\n', encoding="utf-8")
        (self.dir / "contacts").write_text("", encoding="utf-8")
        words = ["baresip", "-f", str(self.dir), "-s"]
        if dial:
            words += ["-e", f"/dial sip:{dial}@{proxy[0]}:{proxy[1]}"]
        super().__init__(words, address, port)

    def heard(self):
        """The WAV file of what it heard."""
        return next(self.dir.glob("dump-*-dec.wav"), None)


KAMAILIO = """
debug=1
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:@HERE@:5060
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
request_route {
	if (!mf_process_maxfwd_header("10")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (is_method("CANCEL")) {
		if (t_check_trans()) {
			t_relay();
		}
		exit;
	}
	if (has_totag()) {
		if (loose_route()) {
			t_relay();
		} else if (is_method("ACK")) {
			if (t_check_trans()) {
				t_relay();
			}
		} else {
			sl_send_reply("404", "Not Here");
		}
		exit;
	}
	t_check_trans();
	record_route();
	$ru = "sip:" + $rU + "@@NEXT@:5060";
	t_relay();
}
"""


class Kamailio(Program):
    """A proxy that stays in the dialogs it makes; what begins one goes to
    next."""

    def __init__(self, address, following):
        needs("kamailio")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-kamailio."))
        (self.dir / "cfg").write_text(
            KAMAILIO.replace("@HERE@", address)
            .replace("@NEXT@", following), encoding="utf-8")
        super().__init__(["kamailio", "-DD", "-E", "-m", "32", "-M", "4",
                          "-f", str(self.dir / "cfg"), "-Y", str(self.dir)],
                         address, 5060)


REGISTRAR = """
debug=1
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:@HERE@:5060
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("registrar", "max_expires", @EXPIRES@)
request_route {
	if (!is_method("REGISTER")) {
		sl_send_reply("404", "Nobody Here");
		exit;
	}
	if (!pv_www_authenticate("$td", "@PASSWORD@", "0")) {
		www_challenge("$td", "1");
		exit;
	}
	save("location");
}
"""


class KamailioRegistrar(Program):
    """Takes whoever knows the password; calls get 404."""

    def __init__(self, address, password, expires=3600):
        needs("kamailio")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-kamailio."))
        (self.dir / "cfg").write_text(
            REGISTRAR.replace("@HERE@", address)
            .replace("@PASSWORD@", password)
            .replace("@EXPIRES@", str(expires)), encoding="utf-8")
        super().__init__(["kamailio", "-DD", "-E", "-m", "32", "-M", "4",
                          "-f", str(self.dir / "cfg"), "-Y", str(self.dir)],
                         address, 5060)


class BaresipPhone(Program):
    """Registers, and answers whoever calls."""

    def __init__(self, address, proxy, user, password):
        needs("baresip")
        port = free_port(address)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-baresip."))
        (self.dir / "config").write_text(
            f"sip_listen {address}:{port}\n"
            f"module_path {MODULES}\n"
            f"audio_source {VOID}\naudio_player {VOID}\n"
            f"audio_alert {VOID}\nrtp_ports 30000-39000\n"
            "module g711.so\nmodule aubridge.so\n"
            "module_tmp account.so\nmodule_app menu.so\n", encoding="utf-8")
        (self.dir / "accounts").write_text(
            f"<sip:{user}@{proxy[0]}:{proxy[1]}>;auth_pass={password};"
            "regint=60;answermode=auto\n", encoding="utf-8")
        (self.dir / "contacts").write_text("", encoding="utf-8")
        super().__init__(["baresip", "-f", str(self.dir), "-s"], address,
                         port)
