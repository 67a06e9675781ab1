"""TLS by settings: what is refused at start, and certificates that change under a running node."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import tidemark_process as tm

PATIENCE_S = 60.0


def make_certificate(directory, name, days=30):
    """(certificate, key) of a self-signed CN=name."""
    certificate, key = os.path.join(directory, name + ".crt"), os.path.join(directory, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


class TlsNode(tm.Node):
    """A node whose main port speaks TLS and trusts what its certificate file holds."""

    def __init__(self, directory, certificate, key, flags=()):
        super().__init__(BINARY, directory, ["--tls-certificate", certificate, "--tls-key", key, *flags])
        self.certificate = certificate

    def context(self):
        context = ssl.create_default_context(cafile=self.certificate)
        return context

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context())
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return tm.Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def served_name(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as plain, context.wrap_socket(plain) as tls:
            der = tls.getpeercert(binary_form=True)
        text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der, check=True, capture_output=True)
        return text.stdout.decode().strip().rsplit("= ", 1)[-1]


class Tls(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.directory = self.temporary.name

    def start(self, certificate, key, flags=()):
        node = TlsNode(self.directory, certificate, key, flags)
        self.addCleanup(node.end)
        return node.start()

    def eventually(self, holds):
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def refusal(self, flags):
        """What the program says when it does not start."""
        ended = subprocess.run([BINARY, "serve", "--data", os.path.join(self.directory, "refused"), "--port", str(tm.free_port()), *flags],
                               env=tm.clean_environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertNotEqual(ended.returncode, 0)
        return ended.stderr

    def test_requests_are_answered_and_plain_ones_told(self):
        node = self.start(*make_certificate(self.directory, "first"))
        self.assertEqual(node.request("GET", "/livez").status, 200)
        answer = tm.Node.request(node, "GET", "/livez")
        self.assertEqual(answer.status, 400)
        self.assertIn("https", answer.body.decode())
        self.assertIn("https://127.0.0.1", node.log_text())
        self.assertEqual(node.stop(), 0)

    def test_a_listener_may_stay_plain(self):
        plain = tm.free_port()
        node = self.start(*make_certificate(self.directory, "first"), ["--listen", f"builds=http://127.0.0.1:{plain}"])
        connection = tm.Connection(plain)
        self.assertEqual(connection.request("GET", "/health").status, 200)
        connection.close()
        self.assertEqual(node.request("GET", "/livez").status, 200)

    def test_a_new_certificate_is_taken_at_sighup_and_a_bad_one_refused(self):
        certificate, key = make_certificate(self.directory, "first")
        node = self.start(certificate, key)
        self.assertEqual(node.served_name(), "first")
        second = make_certificate(self.directory, "second")

        os.replace(second[0], certificate)  # with the key of the first
        node.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: "certificate refused" in node.log_text())
        self.assertIn("does not belong to the certificate", node.log_text())
        self.assertEqual(node.served_name(), "first")

        os.replace(second[1], key)
        node.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: node.served_name() == "second")

        with open(certificate, "w", encoding="ascii") as torn:
            torn.write("-----BEGIN CERTIFICATE-----\nMIIB")
        node.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: "holds no usable certificate" in node.log_text())
        self.assertEqual(node.served_name(), "second")
        self.assertEqual(node.stop(), 0)

    def test_one_that_expires_soon_is_told(self):
        node = self.start(*make_certificate(self.directory, "short", days=3))
        self.assertIn("certificate expires soon", node.log_text())

    def test_what_cannot_be_used_is_named_at_start(self):
        certificate, key = make_certificate(self.directory, "first")
        other = make_certificate(self.directory, "other")
        self.assertIn("tls_key", self.refusal(["--tls-certificate", certificate]))
        self.assertIn("tls_certificate", self.refusal(["--tls-key", key]))
        self.assertIn("does not belong", self.refusal(["--tls-certificate", certificate, "--tls-key", other[1]]))
        self.assertIn("cannot read", self.refusal(["--tls-certificate", certificate + ".absent", "--tls-key", key]))
        self.assertIn("listen", self.refusal(["--listen", "builds=https://127.0.0.1:0"]))


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()
