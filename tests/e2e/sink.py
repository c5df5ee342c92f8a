"""A mail server of others that notes who connects and what it says, and answers RCPT as it is told."""
import socketserver
import threading


class Sink:
    def __init__(self, host="127.0.0.1", answers=None):
        """`answers`: of RCPT, by address (a dict, or what has its get()); all others are taken."""
        self.answers, self.mails, self.rcpts = answers or {}, [], []
        sink = self

        class Session(socketserver.StreamRequestHandler):
            timeout = 60

            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

            def handle(self):
                seen = {"peer": self.client_address[0], "helo": "", "recipients": []}
                self.say("220 sink.test ESMTP")
                for raw in self.rfile:
                    line = raw.decode(errors="replace").strip()
                    verb = line.upper()
                    if verb.startswith("EHLO"):
                        seen["helo"] = line[5:]
                        self.say("250-sink.test")
                        self.say("250 ENHANCEDSTATUSCODES")
                    elif verb.startswith("RCPT"):
                        to = line[line.index("<") + 1:line.index(">")]
                        sink.rcpts.append(to)
                        answer = sink.answers.get(to, "250 2.1.5 ok")
                        if answer.startswith("2"):
                            seen["recipients"].append(to)
                        self.say(answer)
                    elif verb == "DATA":
                        self.say("354 go")
                        body = []
                        for part in self.rfile:
                            if part == b".\r\n":
                                break
                            body.append(part)
                        else:
                            return  # it hung up in the middle
                        sink.mails.append({**seen, "body": b"".join(body).decode(errors="replace")})
                        seen["recipients"] = []
                        self.say("250 2.0.0 taken")
                    elif verb == "QUIT":
                        self.say("221 2.0.0 bye")
                        return
                    else:
                        self.say("250 2.0.0 ok")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

        self.server = Server((host, 0), Session)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
