"""rspamd as a milter that knows the test pattern for spam (GTUBE) and nothing else: no network, no rules that learn."""

import os

from peers.lib import netns
from peers.lib.proc import until

GTUBE = "JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def start(processes, namespace, directory, port=11332):
    """Returns the value for `socket` of a [[milter]]."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "tld"), "w") as file:
        file.write("net\norg\n")
    configuration = os.path.join(directory, "rspamd.conf")
    with open(configuration, "w") as file:
        file.write(
            f"""options {{
    pidfile = "{directory}/rspamd.pid"; tempdir = "{directory}"; url_tld = "{directory}/tld"; cache_file = "{directory}/symbols";
    hs_cache_dir = "{directory}"; disable_hyperscan = true; filters = ""; explicit_modules = []; gtube_patterns = "all";
    enable_test_patterns = true; control_socket = "{directory}/control mode=0600";
    dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "info"; }}
actions {{ reject = 15; add_header = 6; greylist = null; }}
worker "rspamd_proxy" {{
    bind_socket = "127.0.0.1:{port}"; milter = yes; timeout = 20s; count = 1;
    upstream "local" {{ default = yes; self_scan = yes; }}
    reject_message = "Spam message rejected"; spam_header = "X-Spam";
}}
"""
        )
    process = processes.start(f"rspamd-{namespace}", netns.argv(namespace, ["rspamd", "-f", "-i", "-c", configuration]))

    def ready():
        process.require_alive()
        return netns.inside_run(namespace, ["ss", "-Hltn", f"sport = :{port}"], check=False).stdout

    until("rspamd to listen", ready, 30)
    return f"inet:127.0.0.1:{port}"
