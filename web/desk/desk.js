// The console: signing in, the views, looking somebody up, the audit.
'use strict';

const views = [['overview', 'Overview', ['support', 'abuse', 'operator']], ['find', 'Find', ['support', 'abuse', 'operator']], ['requests', 'Requests', ['support', 'abuse', 'operator']], ['audit', 'Audit', ['auditor']]];
let shown = null; // what stands in #found, to look it up again
let earlier = '';

async function find(kind, query) {
  try {
    const answer = kind === 'trace' ? await look('/trace', { id: query }, query) : await look('/subscriber', { q: query }, query);
    if (!answer) return;
    shown = [kind, query];
    const again = () => find(...shown);
    byId('found').replaceChildren(...(answer.accounts ? showSubscriber(answer, query, again) : showTrace(answer, query, again)));
    byId('found').hidden = false;
    say(`${query}: read as ${answer.read_as}.`);
  } catch (problem) {
    byId('found').replaceChildren();
    say(problem.message, true);
  }
}

async function showAudit(more = false) {
  const query = { who: byId('audit-who').value.trim(), action: byId('audit-action').value.trim(), limit: '50', cursor: more ? earlier : '' };
  const page = await call('GET', '/audit', { query });
  const rows = table('Audit', [
    ['No', (e) => e.number], ['Time', (e) => local(e.at)], ['Who', (e) => e.who], ['How', (e) => e.how], ['From', (e) => e.address],
    ['Action', (e) => e.action], ['About', (e) => e.subject], ['Why', (e) => e.reason],
    ['Outcome', (e) => badge(e.outcome, /^[45]/.test(e.outcome) ? 'high' : 'low')],
  ], page.entries);
  if (more) byId('audit-rows').append(rows); else byId('audit-rows').replaceChildren(rows);
  earlier = page.next_cursor ?? '';
  byId('audit-more').hidden = !earlier;
  const check = await call('GET', '/audit/check');
  byId('audit-state').className = check.whole ? 'low' : 'bad';
  byId('audit-state').textContent = check.whole ? `${check.entries} entries; the chain is whole.` : `The chain is broken: ${check.faults.join('; ')}`;
}

async function open(view) {
  for (const [name] of views) {
    byId(`view-${name}`).hidden = name !== view;
    byId(`to-${name}`)?.setAttribute('aria-current', name === view ? 'page' : 'false');
  }
  byId('found').hidden = view !== 'find' || byId('found').childElementCount === 0;
  try {
    if (view === 'overview') await showOverview();
    if (view === 'audit') await showAudit();
    if (view === 'requests') await showRequests();
    if (view === 'find') byId('query').focus();
  } catch (problem) {
    say(problem.message, true);
  }
}

async function enter(answer) {
  Object.assign(me, answer);
  byId('sign').hidden = true;
  byId('signed').hidden = false;
  byId('work').hidden = false;
  byId('who').textContent = `${me.name} (${me.roles.join(', ')})`;
  const mine = views.filter(([, , roles]) => may(...roles));
  byId('views').replaceChildren(...mine.map(([name, title]) => {
    const node = button(title, () => { say(''); open(name); }, 'tab');
    node.id = `to-${name}`;
    return node;
  }));
  byId('views').hidden = mine.length < 2;
  say('');
  if (mine.length) await open(mine[0][0]);
  if (may('support', 'abuse', 'operator')) follow();
}

function leave(text, bad = false) {
  unfollow();
  Object.assign(me, { name: '', roles: [], csrf: '' });
  reasons.clear();
  shown = null;
  byId('why').close();
  for (const id of ['work', 'signed', 'views']) byId(id).hidden = true;
  for (const id of ['found', 'view-overview', 'audit-rows', 'request-rows', 'lights']) byId(id).replaceChildren();
  for (const id of ['password', 'code']) byId(id).value = '';
  byId('sign').hidden = false;
  say(text, bad);
}

byId('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const answer = await call('POST', '/session', { body: { name: byId('name').value.trim(), password: byId('password').value, code: byId('code').value } });
    for (const id of ['password', 'code']) byId(id).value = '';
    await enter(answer);
  } catch (problem) {
    byId('code').value = '';
    say(problem.message, true);
  }
});
byId('leave').addEventListener('click', async () => {
  try { await call('DELETE', '/session'); } catch { /* it had ended already */ }
  leave('Signed out.');
});
document.addEventListener('signed-out', (event) => { if (me.name) leave(event.detail, true); });
byId('find').addEventListener('submit', (event) => {
  event.preventDefault();
  find(event.submitter?.value ?? 'subscriber', byId('query').value.trim());
});
byId('audit-filter').addEventListener('submit', (event) => { event.preventDefault(); showAudit().catch((problem) => say(problem.message, true)); });
byId('audit-more').addEventListener('click', () => showAudit(true).catch((problem) => say(problem.message, true)));

// A session may be there already; a 401 here is no fault, so it is asked without one being logged.
if (document.cookie !== undefined) {
  fetch('/desk/session', { cache: 'no-store', credentials: 'same-origin' }).then((response) => response.json())
    .then((answer) => (answer.name ? enter(answer) : leave(''))).catch(() => leave(''));
}
