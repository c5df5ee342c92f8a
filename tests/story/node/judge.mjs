// Judges a message as another provider does: DKIM, SPF, DMARC and ARC by mailauth, with the DNS of where it runs.
// Reads {message: BASE64, ip, helo, sender, mta} from stdin, writes one JSON line.
import { readFileSync } from "node:fs";
import { authenticate } from "mailauth";

const { message, ...asked } = JSON.parse(readFileSync(0, "utf8"));
const found = await authenticate(Buffer.from(message, "base64"), { ...asked, disableBimi: true });
console.log(JSON.stringify({
  dkim: found.dkim.results.map((one) => ({
    result: one.status.result, comment: one.status.comment, domain: one.signingDomain, selector: one.selector, algorithm: one.algo,
  })),
  spf: found.spf && { result: found.spf.status.result, domain: found.spf.domain },
  dmarc: found.dmarc && { result: found.dmarc.status.result, policy: found.dmarc.policy },
  arc: found.arc && { result: found.arc.status.result, instance: found.arc.i },
}));
