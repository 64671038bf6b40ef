"""A certificate authority of the tests' own."""

import shutil
import subprocess
import tempfile
from pathlib import Path

CONFIGURATION = """
[ca]
default_ca = authority
[authority]
dir = .
database = $dir/index.txt
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


class CertificateAuthority:
    """Issues certificates for servers. `trusted` is a directory as /etc/ssl/certs, in which there is
    no authority but this one."""

    def __init__(self):
        self._directory = Path(tempfile.mkdtemp(prefix="b2neon-ca."))
        self._directory.chmod(0o755)
        (self._directory / "ca.cnf").write_text(CONFIGURATION)
        (self._directory / "index.txt").touch()
        (self._directory / "index.txt.attr").write_text("unique_subject = no\n")
        self._self_signed("authority", "/CN=b2neon test authority")
        self.trusted = self._directory / "trusted"
        self.trusted.mkdir()
        for name in ("authority.pem", "ca-certificates.crt"):
            shutil.copy(self._directory / "authority.pem", self.trusted / name)
        self._openssl("rehash", self.trusted)

    def close(self):
        shutil.rmtree(self._directory)

    def _openssl(self, *arguments):
        result = subprocess.run(
            ["openssl", *map(str, arguments)],
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert result.returncode == 0, result.stdout

    def _self_signed(self, name, subject, *arguments):
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", subject),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
            *arguments,
        )

    def _files(self, name):
        return str(self._directory / f"{name}.pem"), str(self._directory / f"{name}.key")

    def self_signed(self):
        """Certificate and key of 127.0.0.1, which vouches for itself."""
        extension = ("-addext", "subjectAltName=IP:127.0.0.1")
        self._self_signed("self-signed", "/CN=127.0.0.1", *extension)
        return self._files("self-signed")

    def issue(self, name, subject="IP:127.0.0.1", is_expired=False, common_name="server"):
        """Certificate and key of a subject that this authority vouches for, or did until 2021. Without
        a subject there is the common name alone."""
        alternative = ("-addext", f"subjectAltName={subject}") if subject else ()
        dates = ("-startdate", "20200101000000Z", "-enddate", "20210101000000Z")
        self._openssl(
            *("req", "-utf8", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={common_name}"),
            *alternative,
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        self._openssl(
            *("ca", "-batch", "-notext", "-config", "ca.cnf"),
            *("-cert", "authority.pem", "-keyfile", "authority.key"),
            *("-in", f"{name}.csr", "-out", f"{name}.pem"),
            *(dates if is_expired else ("-days", 2)),
        )
        return self._files(name)
