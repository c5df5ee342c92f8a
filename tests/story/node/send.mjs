// Sends one message with nodemailer. Reads a JSON request from stdin, writes one JSON line.
// With `autoconfig` it first fetches that Thunderbird autoconfiguration file and takes host, port,
// socket type and user name form from its first outgoing server, as a mail program does.
import { readFileSync } from "node:fs";
import { XMLParser } from "fast-xml-parser";
import nodemailer from "nodemailer";

function first(value) {
  return Array.isArray(value) ? value[0] : value;
}

async function configured(url, address) {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text.slice(0, 200)}`);
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "@" });
  const provider = first(parser.parse(text).clientConfig.emailProvider);
  const server = first(provider.outgoingServer);
  const user = String(server.username)
    .replace("%EMAILADDRESS%", address)
    .replace("%EMAILLOCALPART%", address.split("@")[0]);
  return {
    host: server.hostname,
    port: Number(server.port),
    secure: server.socketType === "SSL",
    requireTLS: server.socketType === "STARTTLS",
    user,
    provider: provider["@id"],
    type: response.headers.get("content-type"),
    authentication: [server.authentication].flat(),
  };
}

async function main() {
  const request = JSON.parse(readFileSync(0, "utf8"));
  const log = [];
  const note = (entry, ...rest) => log.push(rest.map((r) => String(r)).join(" "));
  const logger = { level() {}, trace: note, debug: note, info: note, warn: note, error: note, fatal: note };
  let settings = { ...request, requireTLS: !request.secure };
  try {
    if (request.autoconfig) {
      settings = { ...settings, ...(await configured(request.autoconfig, request.user)) };
    }
    const transport = nodemailer.createTransport({
      host: settings.host,
      port: settings.port,
      secure: settings.secure,
      requireTLS: settings.requireTLS,
      auth: { user: settings.user, pass: request.password },
      tls: { ca: readFileSync(request.ca) },
      connectionTimeout: 10000,
      greetingTimeout: 10000,
      socketTimeout: 15000,
      logger,
      debug: true,
    });
    const info = await transport.sendMail({
      from: request.from,
      to: request.to,
      subject: request.subject ?? "お知らせ",
      text: request.text ?? "ポート587番で送りました。\n",
      messageId: request.messageId,
    });
    const { host, port, secure, user, provider, type, authentication } = settings;
    const used = { host, port, secure, user, provider, type, authentication };
    console.log(JSON.stringify({ response: info.response, accepted: info.accepted, used, log }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message, code: error.responseCode, log }));
  }
}

await main();
