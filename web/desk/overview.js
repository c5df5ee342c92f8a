// The state of the system: roles, numbers, charts over time; told of changes by server-sent events.
'use strict';

const chartGroups = [
  ['Port 25', [['gate-blocked', 'bad'], ['gate-answered', 'accent'], ['gate-would-block', 'warn']]],
  ['Mail', [['accepted', 'accent'], ['delivered', 'good'], ['deferred', 'warn'], ['bounced', 'bad'], ['expired', 'soft']]],
  ['Logins and refusals', [['login-accepted', 'good'], ['login-refused', 'bad'], ['refused', 'warn']]],
];
const charts = [];
let live = null;
let fresh = {}; // by kind: what came since the numbers were read

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim(); }

function chart(place, title, series, history) {
  const steps = history.kinds[series[0][0]]?.length ?? 48;
  const begin = Date.parse(history.since) / 1000;
  const times = Array.from({ length: steps }, (_, i) => begin + i * history.step_seconds);
  const rows = series.map(([kind]) => history.kinds[kind] ?? times.map(() => 0));
  const axis = { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line') } };
  const plot = new uPlot({
    width: Math.max(240, place.clientWidth), height: 190, cursor: { y: false }, legend: { live: false },
    scales: { y: { range: (u, low, high) => [0, Math.max(4, high * 1.1)] } },
    axes: [{ ...axis, space: 70, values: (u, all) => all.map((t) => { const d = new Date(t * 1000); return `${String(d.getHours()).padStart(2, '0')}:${String(d.getMinutes()).padStart(2, '0')}`; }) },
      { ...axis, size: 55, values: (u, all) => all.map((n) => (Number.isInteger(n) ? n.toLocaleString() : '')) }],
    series: [{}, ...series.map(([kind, name]) => ({ label: kind, stroke: colour(name), width: 2, fill: `${colour(name)}22`, points: { show: false } }))],
  }, [times, ...rows], place);
  const canvas = plot.root.querySelector('canvas');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `${title}, last 24 hours: ${series.map(([kind], i) => `${kind} ${rows[i].reduce((a, b) => a + b, 0)}`).join(', ')}`);
  charts.push([plot, place]);
}

function number(title, value, style = '') {
  const dd = element('dd', { class: style }, value);
  return element('div', {}, element('dt', {}, title), dd);
}

function lights(roles) {
  byId('lights').replaceChildren(...Object.entries(roles).map(([role, up]) => element('span', { class: `light ${up ? 'up' : 'down'}` }, `${role} ${up ? 'up' : 'down'}`)));
}

function showRecent() {
  const known = Object.entries(fresh).filter(([, count]) => count > 0);
  const place = byId('recent');
  if (place) place.textContent = known.length ? `Since then: ${known.map(([kind, count]) => `${kind} ${count.toLocaleString()}`).join(', ')}` : 'Nothing new since then.';
}

async function showOverview() {
  const [status, history] = await Promise.all([call('GET', '/status'), call('GET', '/history', { query: { hours: '24' } })]);
  fresh = {};
  while (charts.length) charts.pop()[0].destroy();
  lights(Object.fromEntries(Object.entries(status.roles).map(([role, state]) => [role, state.up])));
  const queue = status.roles.mail?.status?.queue ?? {};
  const held = status.roles.mail?.status?.conduct ?? {};
  const cells = Object.entries(status.roles).map(([role, state]) => number(`role ${role}`, state.up ? 'up' : 'down', state.up ? 'up' : 'down'));
  for (const [name, title] of [['queued', 'messages waiting'], ['held', 'messages held']]) if (name in queue) cells.push(number(title, Number(queue[name]).toLocaleString()));
  for (const [stage, count] of Object.entries(held)) if (typeof count === 'number' && count > 0) cells.push(number(stage === 'lines' ? 'lines with a stage' : `accounts ${stage}`, count.toLocaleString(), 'middle'));
  for (const [kind, count] of Object.entries(status.events_24h)) cells.push(number(`${kind}, 24 h`, count.toLocaleString()));
  const places = chartGroups.map(([title]) => element('figure', { class: 'chart' }, element('figcaption', {}, title), element('div', {})));
  byId('view-overview').replaceChildren(
    card('Now', element('p', { class: 'soft' }, `${status.provider}, version ${status.version}, read ${local(status.now)}. `, element('span', { id: 'recent', 'aria-live': 'off' })), element('dl', { class: 'numbers' }, ...cells)),
    card('Last 24 hours', element('div', { class: 'charts' }, ...places)),
    card('Rules for port 25', table('Rules', [
      ['Rule', (r) => r.name], ['From', (r) => r.from], ['To', (r) => r.to],
      ['Action', (r) => r.action], ['Stage', (r) => badge(r.stage, r.stage === 'enforce' ? 'low' : 'middle')], ['Note', (r) => r.note],
    ], status.policy.rules)));
  chartGroups.forEach(([title, series], i) => chart(places[i].lastChild, title, series, history));
  showRecent();
}

// The stream ends after each event; the browser comes back by itself after the time it was told.
function follow() {
  if (live) return;
  live = new EventSource('/api/v1/live');
  live.addEventListener('totals', (event) => {
    const told = JSON.parse(event.data);
    lights(told.roles);
    for (const [kind, count] of Object.entries(told.events)) fresh[kind] = (fresh[kind] ?? 0) + count;
    showRecent();
  });
}

function unfollow() {
  live?.close();
  live = null;
}

window.addEventListener('resize', () => { for (const [plot, place] of charts) plot.setSize({ width: Math.max(240, place.clientWidth), height: 190 }); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { if (!byId('view-overview').hidden) showOverview().catch((problem) => say(problem.message, true)); });
