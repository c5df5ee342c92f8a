// The console: asks the API with the token typed in and shows what it says. Text from the API is
// only ever put in as text, never as HTML. The token lives in a variable of this tab.
'use strict';

const byId = (id) => document.getElementById(id);
let token = '';

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.map((child) => (child instanceof Node ? child : String(child ?? ''))));
  return node;
}

async function api(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  const response = await fetch(`/api/v1${path}?${query}`, {
    headers: { Authorization: `Bearer ${token}` },
    cache: 'no-store',
  });
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.detail || body.title), { status: response.status });
  return body;
}

function say(text, bad = false) {
  byId('message').textContent = text;
  byId('message').className = bad ? 'bad' : '';
}

function local(at) {
  return at ? new Date(at).toLocaleString(undefined, { hour12: false }) : '';
}

function table(label, columns, rows) {
  if (rows.length === 0) return element('p', { class: 'empty' }, 'None.');
  const head = element('tr', {}, ...columns.map(([title]) => element('th', { scope: 'col' }, title)));
  const body = rows.map((row) => element('tr', {}, ...columns.map(([, read]) => element('td', {}, read(row)))));
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
    element('table', {}, element('thead', {}, head), element('tbody', {}, ...body)));
}

const eventColumns = [
  ['Time', (e) => local(e.at)],
  ['What', (e) => (e.count > 1 ? `${e.kind} × ${e.count}` : e.kind)],
  ['From', (e) => [e.address, e.line, e.account].filter(Boolean).join(' · ')],
  ['Message', (e) => [e.queue_id, e.sender && `${e.sender} →`, e.recipient].filter(Boolean).join(' ')],
  ['Rule', (e) => e.rule],
  ['Detail', (e) => [e.detail, e.reference && `ref ${e.reference}`].filter(Boolean).join(' · ')],
];

function heading(text) { return element('h3', {}, text); }

function port(state) {
  if (!state) return '';
  return `${state.action} (${state.in_force ? 'in force' : state.stage})`;
}

function showMessages(messages) {
  return messages.flatMap((message) => [
    heading(`Message ${message.queue_id}: ${message.state}`),
    element('p', {}, [message.message_id, message.account && `by ${message.account}`,
      message.client && `from ${message.client}`, local(message.accepted)].filter(Boolean).join(' · ')),
    table('Recipients', [
      ['Recipient', (r) => r.address], ['State', (r) => r.state], ['Tries', (r) => r.tries ?? 0],
      ['Reply', (r) => r.reply], ['Time', (r) => local(r.at)],
    ], message.recipients),
    heading('Steps'),
    table('Steps', eventColumns, message.events),
  ]);
}

function showSubscriber(answer) {
  const parts = [heading('What support should know'),
    answer.findings.length === 0
      ? element('p', { class: 'empty' }, 'Nothing went wrong in the last 24 hours.')
      : element('ul', { class: 'findings' }, ...answer.findings.map((f) => element('li', { class: f.severity },
        element('span', {}, f.text),
        element('small', {}, [f.detail, local(f.at)].filter(Boolean).join(' · ')))))];
  if (answer.address) {
    const { address, holder, standing } = answer.address;
    parts.push(heading(`Address ${address}`), element('p', {},
      `Class ${standing.class}; port 25 to others: ${port(standing.port_25_to_others)}; holder: ${holder.line ?? holder.certainty}. ${holder.reason}`));
  }
  for (const line of answer.lines) {
    parts.push(heading(`Line ${line.line}`), table('Addresses', [
      ['Prefix', (s) => s.prefix], ['Class', (s) => s.class],
      ['25 to others', (s) => port(s.port_25_to_others)], ['25 to us', (s) => port(s.port_25_to_us)],
    ], line.standings), table('Sessions', [
      ['Start', (s) => local(s.start)], ['End', (s) => (s.open ? 'open' : local(s.end))],
      ['Prefixes', (s) => s.prefixes.join(', ')], ['NAS', (s) => s.nas],
    ], line.sessions));
  }
  parts.push(heading('Accounts'), table('Accounts', [
    ['Login', (a) => a.login], ['Name', (a) => a.name], ['Addresses', (a) => a.addresses.join(', ')],
    ['State', (a) => (a.enabled ? 'enabled' : `disabled: ${a.disabled_reason ?? ''}`)], ['Line', (a) => a.line],
  ], answer.accounts));
  parts.push(heading('Events, newest first'), table('Events', eventColumns, answer.events));
  return parts;
}

function showTrace(answer) {
  const parts = showMessages(answer.messages);
  if (answer.events.length > 0) parts.push(heading('Without a message'), table('Events', eventColumns, answer.events));
  return parts;
}

async function find(what) {
  const query = byId('query').value.trim();
  try {
    const answer = what === 'trace' ? await api('/trace', { id: query }) : await api('/subscriber', { q: query });
    byId('found').replaceChildren(...(answer.messages ? showTrace(answer) : showSubscriber(answer)));
    say(`${query}: read as ${answer.read_as}.`);
  } catch (error) {
    byId('found').replaceChildren();
    say(error.message, true);
  }
}

function number(title, value, style = '') {
  return element('div', {}, element('dt', {}, title), element('dd', { class: style }, value));
}

async function overview() {
  const status = await api('/status');
  byId('who').textContent = `${status.provider}, version ${status.version}`;
  const cells = Object.entries(status.roles)
    .map(([role, state]) => number(`role ${role}`, state.up ? 'up' : 'down', state.up ? 'up' : 'down'));
  for (const [kind, count] of Object.entries(status.events_24h)) cells.push(number(`${kind}, 24 h`, count.toLocaleString()));
  byId('overview').replaceChildren(element('dl', { class: 'numbers' }, ...cells), heading('Rules for port 25'),
    table('Rules', [
      ['Rule', (r) => r.name], ['From', (r) => r.from], ['To', (r) => r.to],
      ['Action', (r) => r.action], ['Stage', (r) => r.stage], ['Note', (r) => r.note],
    ], status.policy.rules));
}

function leave() {
  token = '';
  byId('token').value = '';
  byId('work').hidden = true;
  byId('signed').hidden = true;
  byId('sign-in').hidden = false;
  byId('found').replaceChildren();
  byId('overview').replaceChildren();
}

byId('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  token = byId('token').value.trim();
  try {
    await overview();
    byId('token').value = '';
    byId('sign-in').hidden = true;
    byId('signed').hidden = false;
    byId('work').hidden = false;
    byId('query').focus();
    say('');
  } catch (error) {
    leave();
    say(error.status === 401 ? 'This is not the token.' : error.message, true);
  }
});
byId('leave').addEventListener('click', () => { leave(); say('Closed.'); });
byId('find').addEventListener('submit', (event) => {
  event.preventDefault();
  find(event.submitter?.value ?? 'subscriber');
});
