// What thunderbird.py has Thunderbird do, by its own modules, in the scope of its main window.
const load = (url) => ChromeUtils.importESModule(url);
const { MailServices } = load('resource:///modules/MailServices.sys.mjs');
const kSocket = { 0: 'plain', 2: 'STARTTLS', 3: 'SSL' };
const kMethod = { 3: 'password-cleartext', 4: 'password-encrypted' };

const shownServer = (server) => ({
  host: server.hostname, port: server.port, socket: kSocket[server.socketType], user: server.username, method: kMethod[server.auth],
});

async function found(domain, address) {
  const { FindConfig } = load('resource:///modules/accountcreation/FindConfig.sys.mjs');
  const steps = FindConfig.parallelAutoDiscovery(domain, address, new AbortController().signal, '');
  for (;;) {
    const { value, done } = await steps.next();
    if (done) return value;
  }
}

const does = {
  ready() {
    return document.readyState === 'complete' && Boolean(window.gFolderDisplay ?? window.document.getElementById('tabmail'));
  },

  // It may have looked at the network before there was one.
  async online() {
    Services.io.manageOfflineStatus = false;
    Services.io.offline = true;
    Services.io.offline = false;
    return !Services.io.offline;
  },

  trust(certificate) {
    Cc['@mozilla.org/security/x509certdb;1'].getService(Ci.nsIX509CertDB).addCertFromBase64(certificate, 'C,,');
  },

  // What it finds for an address; null: nothing.
  async discover(address) {
    const config = await found(address.split('@')[1], address);
    if (!config) return null;
    return {
      source: config.subSource ?? config.source, incoming: shownServer(config.incoming),
      outgoing: [config.outgoing, ...config.outgoingAlternatives].map(shownServer),
    };
  },

  // An account with what it finds, `which`: of the outgoing servers. Gives what it then has.
  async create(name, address, password, which = 0) {
    const { AccountConfig } = load('resource:///modules/accountcreation/AccountConfig.sys.mjs');
    const { CreateInBackend } = load('resource:///modules/accountcreation/CreateInBackend.sys.mjs');
    const config = await found(address.split('@')[1], address);
    config.outgoing = [config.outgoing, ...config.outgoingAlternatives][which];
    AccountConfig.replaceVariables(config, name, address, password);
    config.rememberPassword = true;
    const account = await CreateInBackend.createAccountInBackend(config);
    const identity = account.defaultIdentity;
    identity.doFcc = false; // the mailbox of Sent is elsewhere
    const server = MailServices.outgoingServer.getServerByKey(identity.smtpServerKey).QueryInterface(Ci.nsISmtpServer);
    return {
      account: account.key, incoming: account.incomingServer.hostName ?? account.incomingServer.hostname,
      outgoing: shownServer({ hostname: server.hostname, port: server.port, socketType: server.socketType, username: server.username, auth: server.authMethod }),
    };
  },

  // Writes a message and begins to send it; sent() tells how it ended.
  send(accountKey, to, subject, text) {
    const identity = MailServices.accounts.getAccount(accountKey).defaultIdentity;
    const fields = Cc['@mozilla.org/messengercompose/composefields;1'].createInstance(Ci.nsIMsgCompFields);
    Object.assign(fields, { from: `${identity.fullName} <${identity.email}>`, to, subject, body: text, forcePlainText: true });
    const sender = Cc['@mozilla.org/messengercompose/send;1'].createInstance(Ci.nsIMsgSend);
    const end = (status) => { window.sekishoSent ??= status; };
    window.sekishoSent = null;
    const listener = { QueryInterface: ChromeUtils.generateQI(['nsIMsgSendListener']), onSendNotPerformed: () => end(-1), onStopSending: (id, status) => end(status) };
    for (const other of ['onStartSending', 'onProgress', 'onStatus', 'onSendProgress', 'onGetDraftFolderURI', 'onTransportSecurityError']) listener[other] = () => {};
    sender.createAndSendMessage(null, identity, accountKey, fields, false, false, Ci.nsIMsgSend.nsMsgDeliverNow, null, 'text/plain', text, window, null, listener, '', '', Ci.nsIMsgCompType.New)
      .catch((error) => end(typeof error === 'number' ? error : String(error)));
  },

  // null: it is under way; 0: it is sent; else what went wrong.
  sent() {
    return window.sekishoSent;
  },
};
