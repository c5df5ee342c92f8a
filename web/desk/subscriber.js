// Everything about one subscriber on one page, and the trace of a message.
'use strict';

const wrong = ['gate-blocked', 'gate-answered', 'login-refused', 'bounced', 'expired', 'refused'];

function what(event) {
  const text = event.count > 1 ? `${event.kind} × ${event.count}` : event.kind;
  return badge(text, wrong.includes(event.kind) ? 'high' : ['held', 'deferred', 'conduct-changed', 'gate-would-block'].includes(event.kind) ? 'middle' : '');
}

const eventColumns = [
  ['Time', (e) => local(e.at)],
  ['What', what],
  ['From', (e) => [e.address, e.line, e.account].filter(Boolean).join(' · ')],
  ['Message', (e) => [e.queue_id, e.sender && `${e.sender} →`, e.recipient].filter(Boolean).join(' ')],
  ['Rule', (e) => e.rule],
  ['Detail', (e) => [e.detail, e.reference && `ref ${e.reference}`].filter(Boolean).join(' · ')],
];

function port(state) {
  if (!state) return '';
  return `${state.action} (${state.in_force ? 'in force' : state.stage})`;
}

function messageActions(message, subject, again) {
  if (!['waiting', 'held', 'deferred', 'queued'].includes(message.state)) return null;
  const path = (verb) => `/queue/${encodeURIComponent(message.queue_id)}/${verb}`;
  const make = (text, verb, words) => button(text, () => order(`${words} ${message.queue_id}.`, path(verb), {}, subject, again));
  return element('p', { class: 'buttons' },
    message.state === 'held' ? make('Release', 'release', 'You release message') : make('Try now', 'retry', 'You try message'),
    message.state !== 'held' && may('abuse', 'operator') ? make('Hold', 'hold', 'You hold message') : null);
}

function showMessage(message, subject, again) {
  const state = { finished: 'low', held: 'middle' }[message.state] ?? '';
  const steps = element('details', {}, element('summary', {}, `${message.events.length} steps`), table(`Steps of ${message.queue_id}`, eventColumns, message.events));
  return element('article', { class: 'message' },
    element('h3', {}, `Message ${message.queue_id}: ${message.state}`, ' ', badge(message.state, state)),
    element('p', { class: 'soft' }, [message.message_id, message.account && `by ${message.account}`,
      message.client && `from ${message.client}`, local(message.accepted)].filter(Boolean).join(' · ')),
    table(`Recipients of ${message.queue_id}`, [
      ['Recipient', (r) => r.address],
      ['State', (r) => badge(r.state, { delivered: 'low', bounced: 'high', expired: 'high', deferred: 'middle' }[r.state])],
      ['Tries', (r) => r.tries ?? 0], ['Reply', (r) => r.reply], ['Meaning', (r) => r.cause],
      ['Next try', (r) => local(r.next_try)], ['Time', (r) => local(r.at)],
    ], message.recipients),
    messageActions(message, subject, again), steps);
}

function showFindings(findings) {
  return card('What support should know', findings.length === 0
    ? element('p', { class: 'empty' }, 'Nothing went wrong in the last 24 hours.')
    : element('ul', { class: 'findings' }, ...findings.map((f) => element('li', { class: severities.includes(f.severity) ? f.severity : '' },
      element('span', {}, f.text), element('small', {}, [f.detail, local(f.at)].filter(Boolean).join(' · '))))));
}

// What is done about an account or a line that is misused; `path` is before the verb.
function conductActions(who, path, conduct, subject, again, which = '') {
  const normal = isNormal(conduct);
  return element('p', { class: 'buttons' },
    may('abuse', 'operator') && conduct?.stage !== 'suspended' ? button(`Suspend${which}`, () => order(`You stop ${who} from sending.`, `${path}/suspend`, {}, subject, again)) : null,
    may('abuse', 'operator') && !normal ? button(`Resume${which}`, () => order(`You trust ${who} again; what was held goes out.`, `${path}/resume`, {}, subject, again)) : null,
    normal ? null : button(`Send the notice again${which}`, () => order(`The owner of ${who} is told of the stage again.`, `${path}/notice`, {}, subject, again)));
}

function isNormal(conduct) { return !conduct || conduct.stage === '' || conduct.stage === 'normal'; }

function conductFacts(conduct) {
  return [['Stage since', local(conduct?.since)], ['Points', isNormal(conduct) ? '' : conduct.score], ['Why', conduct?.reason], ['By', conduct?.by],
    ['Seen', (conduct?.evidence ?? []).join('; ')]];
}

function showAccount(account, subject, again) {
  const stage = account.conduct?.stage ?? '';
  const normal = isNormal(account.conduct);
  const actions = conductActions(account.login, `/accounts/${encodeURIComponent(account.login)}`, account.conduct, subject, again);
  return [
    element('h3', {}, account.login, ' ', badge(account.enabled ? 'enabled' : 'disabled', account.enabled ? 'low' : 'high'), ' ',
      stage ? badge(`stage ${stage}`, normal ? 'low' : 'middle') : null),
    facts([['Name', account.name], ['Sends as', account.addresses.join(', ')], ['Line', account.line], ['Disabled', account.disabled_reason],
      ...conductFacts(account.conduct), ['Created', local(account.created)]]),
    account.limits?.length ? table(`Limits of ${account.login}`, [
      ['Limit', (l) => l.limit], ['Counted by', (l) => l.key], ['Used', (l) => l.used], ['Allowed', (l) => l.allowed], ['Free again', (l) => local(l.reset)],
    ], account.limits) : element('p', { class: 'empty' }, 'No limit is touched.'),
    actions.childElementCount ? actions : null,
  ].filter(Boolean);
}

function showLine(line, subject, again) {
  const normal = isNormal(line.conduct);
  const actions = conductActions(`the line ${line.line}`, `/lines/${encodeURIComponent(line.line)}`, line.conduct, subject, again, ` (line ${line.line})`);
  return [element('h3', {}, `Line ${line.line}`, ' ', line.conduct ? badge(`stage ${line.conduct.stage}`, normal ? 'low' : 'middle') : null),
    normal ? null : facts(conductFacts(line.conduct)), table(`Addresses of ${line.line}`, [
    ['Prefix', (s) => s.prefix], ['Class', (s) => s.class],
    ['25 to others', (s) => port(s.port_25_to_others)], ['25 to us', (s) => port(s.port_25_to_us)], ['Note', (s) => s.note],
  ], line.standings), table(`Sessions of ${line.line}`, [
    ['Start', (s) => local(s.start)], ['End', (s) => (s.open ? 'open' : local(s.end))],
    ['Prefixes', (s) => s.prefixes.join(', ')], ['NAS', (s) => s.nas],
  ], line.sessions), actions.childElementCount ? actions : null].filter(Boolean);
}

function ofKinds(events, ...kinds) { return events.filter((e) => kinds.includes(e.kind)); }

function showSubscriber(answer, subject, again) {
  const parts = [showFindings(answer.findings)];
  const where = [];
  if (answer.address) {
    const { address, holder, standing } = answer.address;
    where.push(heading(`Address ${address}`), facts([['Class', standing.class], ['Port 25 to others', port(standing.port_25_to_others)],
      ['Port 25 to us', port(standing.port_25_to_us)], ['Holder', holder.line ?? holder.certainty], ['Because', holder.reason]]));
  }
  where.push(...answer.lines.flatMap((l) => showLine(l, subject, again)));
  if (where.length) parts.push(card('Line and class', ...where));
  parts.push(card('Accounts', ...(answer.accounts.length ? answer.accounts.flatMap((a) => showAccount(a, subject, again)) : [element('p', { class: 'empty' }, 'None.')])));
  parts.push(card('Blocked on port 25', table('Blocked flows', eventColumns, ofKinds(answer.events, 'gate-blocked', 'gate-would-block', 'gate-answered'))));
  parts.push(card('Logins', table('Logins', eventColumns, ofKinds(answer.events, 'login-accepted', 'login-refused'))));
  parts.push(card('Messages', ...(answer.messages.length ? answer.messages.map((m) => showMessage(m, subject, again)) : [element('p', { class: 'empty' }, 'None.')])));
  parts.push(card('Exemptions and penalties', table('Exemptions', [
    ['What', (l) => l.kind], ['For', (l) => l.target], ['Class', (l) => l.class], ['Owner', (l) => l.owner], ['Why', (l) => l.reason],
    ['State', (l) => (l.alive ? badge('in force', 'low') : `ended ${local(l.ended ?? l.expires)}`)], ['Until', (l) => local(l.expires)],
    ['', (l) => (l.alive && may('operator') ? button('End', () => order(`You end the ${l.kind} of ${l.target}.`, `/exemptions/${l.id}/revoke`, {}, subject, again)) : '')],
  ], answer.exemptions)));
  parts.push(card('Notices and changes', table('Notices', eventColumns, ofKinds(answer.events, 'conduct-changed', 'account-changed', 'complaint-received', 'limit-reset', 'limit-would-refuse', 'lease-granted', 'lease-renewed', 'lease-ended'))));
  parts.push(card('Everything, newest first', answer.cut ? element('p', { class: 'soft' }, 'There is more; these are the latest.') : null, table('Events', eventColumns, answer.events)));
  if (answer.unanswered) parts.unshift(element('p', { class: 'bad' }, `Not known now: ${answer.unanswered.join('; ')}`));
  return parts;
}

function showTrace(answer, subject, again) {
  const parts = answer.messages.map((m) => card('Message', showMessage(m, subject, again)));
  if (answer.events.length > 0) parts.push(card('Without a message', table('Events', eventColumns, answer.events)));
  return parts;
}
