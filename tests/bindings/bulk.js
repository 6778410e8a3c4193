// SPDX-License-Identifier: Apache-2.0
// Publishes in bulk from JavaScript: `gjs bulk.js ADDRESS`.
imports.gi.versions.DeyeBus = '1.0';
const {DeyeBus, GLib} = imports.gi;
imports.searchPath.unshift(GLib.path_get_dirname(imports.system.programPath));
const {check, until} = imports.common;

const [address] = ARGV;
const EVENT = 'events.process.started';

// Calls a function while the client is held, and releases it even after an exception.
function held(client, callback) {
    client.hold();
    try {
        return callback();
    } finally {
        client.release();
    }
}

function payload(text) {
    return new GLib.Bytes(new TextEncoder().encode(text));
}

function texts(n) {
    return Array.from({length: n}, (_, i) => `number ${i}`);
}

const tool = DeyeBus.Client.new_tool(address, 'js-tool');
const collector = DeyeBus.Client.new(address, 'js-bulk', 'procmond');
tool.connect(null);
collector.connect(null);
let got = [];
tool.subscribe(EVENT, null, (_subscription, message) => {
    got.push(new TextDecoder().decode(message.dup_payload().get_data()));
}, null);

function arrive(n) {
    until(() => got.length >= n, 'the messages');
    check(got.join() === texts(n).join(), got.join());
    got = [];
}

function publish(text) {
    collector.publish_async(EVENT, payload(text), null, false, null, null);
}

const TESTS = {
    'a held client writes at the end of the function'() {
        const value = held(collector, () => {
            texts(10).forEach(publish);
            check(collector.is_held() && collector.get_unsent() === 10, 'nothing is written');
            return 7;
        });
        check(value === 7 && !collector.is_held() && collector.get_unsent() === 0, 'everything is written');
        arrive(10);
    },
    'an exception releases'() {
        let caught = false;
        try {
            held(collector, () => {
                throw new Error('on purpose');
            });
        } catch (error) {
            caught = error.message === 'on purpose';
        }
        check(caught && !collector.is_held(), 'released');
    },
    'publish_many'() {
        const [ok, n] = collector.publish_many(EVENT, texts(100).map(payload), null, null);
        check(ok && Number(n) === 100, n);
        arrive(100);
    },
    'coalesce'() {
        collector.coalesce = true;
        texts(100).forEach(publish);
        collector.flush(null, false, null);
        collector.coalesce = false;
        arrive(100);
    },
    'a sender in the same thread'() {
        const sender = DeyeBus.Sender.new(collector, 0, 0);
        texts(100).forEach(text => sender.publish(EVENT, payload(text), null));
        check(sender.get_queued() === 100, 'the context has not run');
        check(sender.flush(null, true, null) && sender.get_queued() === 0 && sender.get_refused() === 0, 'sent');
        arrive(100);
    },
};

for (const [name, run] of Object.entries(TESTS)) {
    print(name);
    run();
}
collector.close(null);
tool.close(null);
print('done');
