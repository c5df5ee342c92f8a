// What every view is made of: elements, the API, the reason that is asked for. Text from the API is
// only ever put in as text, never as HTML.
'use strict';

const byId = (id) => document.getElementById(id);
const me = { name: '', roles: [], csrf: '' };
const reasons = new Map(); // of this tab: what was given for a subject

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null).map((child) => (child instanceof Node ? child : String(child ?? ''))));
  return node;
}

function heading(text, level = 'h3') { return element(level, {}, text); }

function button(text, work, style = 'second small') {
  const node = element('button', { type: 'button', class: style }, text);
  node.addEventListener('click', work);
  return node;
}

function say(text, bad = false) {
  byId('message').textContent = text;
  byId('message').className = bad ? 'bad' : '';
}

function local(at) {
  const time = at ? new Date(at) : null;
  return time && !Number.isNaN(time.getTime()) ? time.toLocaleString(undefined, { hour12: false }) : (at ?? '');
}

function may(...roles) { return roles.some((role) => me.roles.includes(role)); }

class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `answer ${status}`);
    this.status = status;
    this.code = body.code;
  }
}

async function call(method, path, { query = {}, body, reason } = {}) {
  const headers = {};
  if (reason) headers['Sekisho-Reason'] = encodeURIComponent(reason);
  if (method !== 'GET') {
    headers['Content-Type'] = 'application/json';
    headers['Sekisho-Csrf'] = me.csrf;
    headers['Idempotency-Key'] = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join('-');
  }
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''));
  const response = await fetch(`/api/v1${path}${parameters.size ? `?${parameters}` : ''}`, {
    method, headers, cache: 'no-store', credentials: 'same-origin', body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) {
    const problem = new Problem(response.status, answer);
    if (problem.code === 'signed-out') document.dispatchEvent(new CustomEvent('signed-out', { detail: problem.message }));
    throw problem;
  }
  return answer;
}

// Asked once for a subject, and for every write. Null: thought better of it.
function askWhy(what, before = '') {
  const dialog = byId('why');
  byId('why-what').textContent = what;
  byId('why-reason').value = before;
  return new Promise((resolve) => {
    const done = (value) => {
      byId('why-form').onsubmit = null;
      byId('why-not').onclick = null;
      dialog.oncancel = null;
      dialog.close();
      resolve(value);
    };
    byId('why-form').onsubmit = (event) => {
      event.preventDefault();
      const reason = byId('why-reason').value.trim();
      if (reason) done(reason);
    };
    byId('why-not').onclick = () => done(null);
    dialog.oncancel = (event) => { event.preventDefault(); done(null); };
    dialog.showModal();
    byId('why-reason').select();
  });
}

async function look(path, query, subject) {
  let reason = reasons.get(subject);
  if (!reason) {
    reason = await askWhy(`You look at ${subject}.`);
    if (!reason) return null;
    reasons.set(subject, reason);
  }
  return call('GET', path, { query, reason });
}

// An order about somebody; afterwards what is shown is looked up again.
async function order(what, path, body, subject, again) {
  const reason = await askWhy(what, reasons.get(subject) ?? '');
  if (!reason) return;
  try {
    const answer = await call('POST', path, { body: { ...body, reason } });
    say(answer.text ?? 'Done.');
    await again();
  } catch (problem) {
    say(problem.message, true);
  }
}

function table(label, columns, rows) {
  if (rows.length === 0) return element('p', { class: 'empty' }, 'None.');
  const shown = columns.filter(([, read]) => rows.some((row) => { const cell = read(row); return cell instanceof Node || (cell ?? '') !== ''; }));
  const head = element('tr', {}, ...shown.map(([title]) => element('th', { scope: 'col' }, title)));
  const body = rows.map((row) => element('tr', {}, ...shown.map(([title, read]) => element('td', { 'data-title': title }, read(row)))));
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Rows: ${label}` },
    element('table', {}, element('thead', {}, head), element('tbody', {}, ...body)));
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value instanceof Node || (value ?? '') !== '');
  return element('dl', { class: 'facts' }, ...known.map(([title, value]) => element('div', {}, element('dt', {}, title), element('dd', {}, value))));
}

function card(title, ...children) {
  return element('section', { 'aria-label': title }, heading(title, 'h2'), ...children);
}

const severities = ['high', 'middle', 'low'];
function badge(text, severity = '') {
  return element('span', { class: `badge ${severities.includes(severity) ? severity : ''}` }, text);
}
