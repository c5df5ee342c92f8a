// Verifies or signs one message with mailauth, or verifies its ARC chain. Reads a JSON request from stdin, writes one JSON line.
//   {"verify": BASE64, "records": {"s._domainkey.example.net": "v=DKIM1; ..."}}
//   {"arc": BASE64, "records": {...}}
//   {"sign": BASE64, "domain": ..., "selector": ..., "key": PEM, "algorithm": ..., "canonicalization": ...}
import { readFileSync } from "node:fs";
import { arc } from "mailauth/lib/arc/index.js";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";

const request = JSON.parse(readFileSync(0, "utf8"));
const resolver = async (name, type) => {
  const record = type === "TXT" && request.records[name.toLowerCase()];
  if (!record) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
  return [[record]];
};
if (request.arc) {
  const verified = await dkimVerify(Buffer.from(request.arc, "base64"), { resolver });
  const chain = await arc(verified.arc, { resolver });
  console.log(JSON.stringify({ result: chain.status.result, comment: chain.status.comment, instance: chain.i }));
} else if (request.verify) {
  const { results } = await dkimVerify(Buffer.from(request.verify, "base64"), { resolver });
  console.log(JSON.stringify(results.map((one) => ({
    result: one.status.result, domain: one.signingDomain, selector: one.selector, algorithm: one.algo, comment: one.status.comment,
  }))));
} else {
  const { signatures, errors } = await dkimSign(Buffer.from(request.sign, "base64"), {
    canonicalization: request.canonicalization, algorithm: request.algorithm,
    signatureData: [{ signingDomain: request.domain, selector: request.selector, privateKey: request.key }],
  });
  if (errors.length) throw new Error(JSON.stringify(errors));
  console.log(JSON.stringify({ signatures }));
}
