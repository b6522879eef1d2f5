// Script of a Zabbix media type of type Webhook (5.0 and later): reports a problem, or its end, to taxops.
// Parameters: url, token, utc_offset, event_id, value, host, host_name, address, trigger_id, trigger,
// severity, date, time, recovery_date, recovery_time; docs/first-day.md says what each holds.
var p = JSON.parse(value);

function at(date, time) {
  return date.replace(/\./g, '-') + 'T' + time + (p.utc_offset || '+08:00');
}

var report = {
  event_id: p.event_id,
  status: p.value === '0' ? 'recovery' : 'problem',
  host: p.host,
  host_name: p.host_name,
  address: p.address,
  trigger_id: p.trigger_id,
  trigger: p.trigger,
  severity: Number(p.severity),
  started_at: at(p.date, p.time)
};
if (report.status === 'recovery') {
  report.recovered_at = at(p.recovery_date, p.recovery_time);
}

// 5.0 and 5.2 have CurlHttpRequest, later ones HttpRequest.
var old = typeof HttpRequest === 'undefined';
var http = old ? new CurlHttpRequest() : new HttpRequest();
var headers = ['Content-Type: application/json', 'Authorization: Bearer ' + p.token];
for (var i = 0; i < headers.length; i++) {
  if (old) {
    http.AddHeader(headers[i]);
  } else {
    http.addHeader(headers[i]);
  }
}
var answer = old ? http.Post(p.url, JSON.stringify(report)) : http.post(p.url, JSON.stringify(report));
var status = old ? http.Status() : http.getStatus();
if (status !== 204) {
  throw 'taxops answers ' + status + ': ' + answer;
}
return 'OK';
