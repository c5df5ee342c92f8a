// Beside tests/e2e/thunderbird.js: the window with the outgoing server's settings, and numbers at its fields.
const kMarks = ['smtp.hostname', 'smtp.port', 'smtp.socketType', 'smtp.authMethod', 'smtpUsername'];

async function until(what, condition) {
  for (let step = 0; step < 300; ++step) {
    const got = await condition();
    if (got) return got;
    await new Promise((resolve) => { load('resource://gre/modules/Timer.sys.mjs').setTimeout(resolve, 100); });
  }
  throw new Error(`waited in vain for ${what}`);
}

function mark(page, field, number) {
  const at = field.getBoundingClientRect();
  const sign = page.createElementNS('http://www.w3.org/1999/xhtml', 'div');
  sign.textContent = number;
  Object.assign(sign.style, {
    position: 'fixed', left: `${at.right + 8}px`, top: `${at.top + at.height / 2 - 12}px`, width: '24px', height: '24px', borderRadius: '50%',
    background: '#0b5cad', color: '#fff', font: '700 14px/24px sans-serif', textAlign: 'center',
  });
  page.documentElement.appendChild(sign);
}

Object.assign(does, {
  // An account with these settings, as if somebody had typed them in.
  async account(settings) {
    const { AccountConfig } = load('resource:///modules/accountcreation/AccountConfig.sys.mjs');
    const { CreateInBackend } = load('resource:///modules/accountcreation/CreateInBackend.sys.mjs');
    const config = new AccountConfig();
    const both = { auth: 3, username: settings.user, password: 'x' };
    Object.assign(config.incoming, both, { type: 'imap', hostname: settings.outgoing_host, port: 993, socketType: 3 });
    Object.assign(config.outgoing, both, {
      type: 'smtp', hostname: settings.outgoing_host, port: settings.outgoing_port, socketType: settings.security === 'STARTTLS' ? 2 : 3, addThisServer: true,
    });
    config.identity = { realname: settings.user, emailAddress: settings.user };
    config.displayName = settings.user;
    await CreateInBackend.createAccountInBackend(config);
    MailServices.outgoingServer.defaultServer.description = settings.description;
  },

  // Opens the window; gives its place in the picture, in dots of the screen.
  async outgoingServer() {
    window.MsgAccountManager('am-smtp.xhtml');
    const browser = await until('the tab', () => document.getElementById('tabmail').currentTabInfo.browser);
    const tab = await until('the settings', () => browser.contentWindow.location.href === 'about:accountsettings' && browser.contentDocument.readyState === 'complete' && browser.contentWindow);
    await until('its content', () => tab.document.getElementById('contentFrame')?.contentDocument?.readyState === 'complete');
    tab.gSubDialog.open('chrome://messenger/content/SmtpServerEdit.xhtml', {}, { server: MailServices.outgoingServer.defaultServer, result: false });
    const dialog = await until('the window', () => {
      const open = tab.gSubDialog._topDialog;
      return open?._overlay.style.visibility === 'inherit' && open._overlay.style.opacity === '' && open;
    });
    const page = dialog._frame.contentDocument;
    await until('its fields', () => page.readyState === 'complete' && page.getElementById('smtpUsername').value);
    page.activeElement?.blur();
    // What is behind it would show at its corners.
    dialog._overlay.style.background = '#fff';
    Object.assign(dialog._box.style, { boxShadow: 'none', resize: 'none' });
    const host = page.getElementById('smtp.hostname');
    for (const id of ['smtp.description', 'smtp.hostname']) page.getElementById(id).style.width = `${host.getBoundingClientRect().width - 36}px`;
    for (const id of ['smtp.description', 'smtp.hostname']) page.getElementById(id).style.maxWidth = page.getElementById(id).style.width;
    await until('it to be drawn', () => new Promise((resolve) => { tab.requestAnimationFrame(() => tab.requestAnimationFrame(() => resolve(true))); }));
    kMarks.forEach((id, at) => {
      const field = page.getElementById(id);
      // Behind the port stands what it is otherwise.
      mark(page, id === 'smtp.port' ? page.getElementById('smtp.defaultPort') : field, at + 1);
    });
    const [outer, inner] = [browser.getBoundingClientRect(), dialog._box.getBoundingClientRect()];
    return [outer.x + inner.x, outer.y + inner.y, inner.width, inner.height].map((one) => Math.round(one * tab.devicePixelRatio));
  },
});
