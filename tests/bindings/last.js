// SPDX-License-Identifier: Apache-2.0
// The last messages of a client in JavaScript: `gjs last.js ADDRESS PID`. PID is the broker's, which is suspended for a time.
// The garbage collector may release a client while JavaScript cannot run. Then a log record is written, and no handler is
// called.
imports.gi.versions.DeyeBus = '1.0';
const System = imports.system;
const {DeyeBus, GLib, GObject} = imports.gi;
imports.searchPath.unshift(GLib.path_get_dirname(imports.system.programPath));
const {check} = imports.common;

const [address, pid] = ARGV;
const COUNT = 200;

function signalBroker(name) {
    GLib.spawn_command_line_sync(`kill -${name} ${pid}`);
}

function settle() {
    while (GLib.MainContext.default().iteration(false))
        ;
}

function publish(client) {
    const payload = new GLib.Bytes(new Uint8Array(10000));

    for (let i = 0; i < COUNT; i++)
        client.publish_async('events.process.started', payload, null, false, null, null);
    check(client.unsent > 0 && client.unsent < COUNT && client.unsent === client.get_unsent(), 'the property unsent');
}

function connect(id) {
    const client = DeyeBus.Client.new(address, id, 'procmond');

    client.connect(null);
    return client;
}

function loseReference() {
    const client = connect('js-lost');

    GObject.signal_connect(client, 'error', () => print('a handler was called'));
    signalBroker('STOP');
    publish(client);
    settle();
}

try {
    const client = connect('js-last');
    const options = DeyeBus.Options.new();

    check(client.flush(null, false, null) && client.flush(null, true, null), 'flush');
    signalBroker('STOP');
    publish(client);
    options.set_timeout(1000);
    try {
        client.close_full(options, null);
        throw new Error('close_full succeeded');
    } catch (error) {
        check(error.matches(DeyeBus.Error, DeyeBus.Error.UNSENT), error.message);
    }
    signalBroker('CONT');
    settle();
    loseReference();
    System.gc();
    System.gc();
    settle();
} finally {
    signalBroker('CONT');
}
print('done');
