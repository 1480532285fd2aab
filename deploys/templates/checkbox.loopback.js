// Written by deploys/checkbox.py, loaded before checkbox.io: it names no address to listen on, and so would take
// requests from everywhere, past nginx. Here whoever names none gets loopback.
'use strict';
const net = require('net');
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...given) {
  const [first, second] = given;
  if (first !== null && typeof first === 'object') {
    if (first.port !== undefined && !first.host) given[0] = { ...first, host: '127.0.0.1' };
  } else if (/^\d+$/.test(first) && typeof second !== 'string') {
    given.splice(1, 0, '127.0.0.1');
  }
  return listen.apply(this, given);
};
