// Requests for exemptions: what was found, and what an operator decides.
'use strict';

const requestHues = { granted: 'low', waiting: 'middle', asked: 'middle', refused: 'high', revoked: 'high' };

function requestActions(request) {
  const verbs = { waiting: ['grant', 'refuse'], granted: ['revoke'] }[request.state] ?? [];
  if (!may('operator') || verbs.length === 0) return '';
  return element('p', { class: 'buttons' }, ...verbs.map((verb) => button(`${verb[0].toUpperCase()}${verb.slice(1)}`,
    () => order(`You ${verb} request ${request.id} of ${request.login} for ${request.address}.`, `/exemption-requests/${request.id}/${verb}`, {}, 'requests', showRequests))));
}

function requestFindings(request) {
  return element('ul', { class: 'findings' }, ...request.findings.map((f) => element('li', { class: { passed: 'low', failed: 'high' }[f.mark] ?? 'middle' },
    element('span', {}, `${f.check}: ${f.mark}`), element('small', {}, f.detail))));
}

async function showRequests() {
  const answer = await look('/exemption-requests', { limit: '100' }, 'requests');
  if (!answer) return;
  byId('request-rows').replaceChildren(table('Requests', [
    ['State', (r) => badge(r.state, requestHues[r.state])],
    ['Who', (r) => element('div', {}, element('strong', {}, r.address), element('br'), r.login, element('br'), `line ${r.line}`)],
    ['For', (r) => element('div', {}, element('strong', {}, r.domain), element('br'), r.reason, element('br'), element('small', {}, `request ${r.id}, ${local(r.created)}`))],
    ['Found', requestFindings],
    ['Decided', (r) => element('div', {}, [r.by, r.why].filter(Boolean).join(': '), requestActions(r))],
  ], answer.requests));
}
