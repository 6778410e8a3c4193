// SPDX-License-Identifier: Apache-2.0
// Delivery patterns from JavaScript: `gjs patterns.js ADDRESS`.
imports.gi.versions.DeyeBus = '1.0';
const {DeyeBus, GLib, GObject} = imports.gi;
imports.searchPath.unshift(GLib.path_get_dirname(imports.system.programPath));
const {check, until} = imports.common;

const [address] = ARGV;
const EVENT = 'events.process.started';
const WORK = 'tasks.procmond';

function connected(client) {
    client.connect(null);
    return client;
}

const tool = connected(DeyeBus.Client.new_tool(address, 'js-tool'));

function collector(id) {
    return connected(DeyeBus.Client.new(address, id, 'procmond'));
}

// Closes the clients, and waits until the broker has noticed it, so that no later message is sent to them.
function leave(...clients) {
    const watch = tool.watch_peers('js-*');
    clients.forEach(client => client.close(null));
    until(() => watch.is_complete() && clients.every(client => watch.lookup(client.get_id()) === null), 'their end');
    watch.stop();
}

function payload(text) {
    return new GLib.Bytes(new TextEncoder().encode(text));
}

function text(message) {
    return new TextDecoder().decode(message.dup_payload().get_data());
}

function textOf(bytes) {
    return new TextDecoder().decode(bytes.get_data());
}

function failsWith(code, call) {
    try {
        call();
    } catch (error) {
        check(error.matches(DeyeBus.Error, code), error.message);
        return;
    }
    throw new Error(`no error ${code}`);
}

const TESTS = {
    waitForPeer() {
        let peer = null;
        tool.wait_for_peer_async('js-late', null, null, (client, result) => {
            peer = client.wait_for_peer_finish(result);
        });
        const late = collector('js-late');
        until(() => peer !== null, 'the peer');
        check(peer.get_id() === 'js-late' && peer.get_kind() === 'procmond', 'the peer');
        const again = tool.wait_for_peer('js-late', null, null);
        check(again.get_pid() === peer.get_pid() && again.get_pid() > 0, 'the process');
        leave(late);
        const options = DeyeBus.Options.new();
        options.set_timeout(1000);
        failsWith(DeyeBus.Error.TIMEOUT, () => tool.wait_for_peer('js-nobody', options, null));
    },

    watchPeers() {
        const seen = [];
        const watch = tool.watch_peers('js-m*');
        GObject.signal_connect(watch, 'appeared', (_watch, peer) => seen.push(`+${peer.get_id()}`));
        GObject.signal_connect(watch, 'gone', (_watch, peer) => seen.push(`-${peer.get_id()}`));
        until(() => watch.is_complete(), 'the list');
        const one = collector('js-m1');
        until(() => seen.length === 1, 'the peer');
        check(watch.list_peers().map(peer => peer.get_id()).join() === 'js-m1', 'the list has it');
        one.close(null);
        until(() => seen.length === 2, 'its end');
        check(seen.join() === '+js-m1,-js-m1' && watch.lookup('js-m1') === null, seen.join());
        watch.stop();
    },

    weights() {
        const counts = [0, 0];
        const members = [collector('js-1'), collector('js-2')];
        members.forEach((member, i) => {
            const options = DeyeBus.SubscribeOptions.new();
            options.set_strategy(DeyeBus.Strategy.ROUND_ROBIN);
            options.set_weight(2 - i);
            options.set_in_flight(10);
            member.subscribe_full(WORK, 'workers', options, () => {
                counts[i]++;
            }, null);
        });
        // A member that does not handle its messages for a while gets none.
        for (let i = 0; i < 6; i++) {
            tool.publish(WORK, null, null, null);
            until(() => counts[0] + counts[1] > i, 'the message');
        }
        check(counts.join() === '4,2', counts.join());
        leave(...members);
    },

    confirmed() {
        failsWith(DeyeBus.Error.NO_RESPONDERS, () => tool.publish_confirmed(WORK, null, null, null));
        const member = collector('js-1');
        let handled = 0, ended = false;
        member.subscribe(WORK, 'workers', () => {
            handled++;
        }, null);
        tool.publish_confirmed_async(WORK, payload('x'), null, null, (client, result) => {
            ended = client.publish_confirmed_finish(result);
        });
        until(() => ended, 'the confirmation');
        check(handled === 1, 'handled once');
        leave(member);
    },

    atLeastOnce() {
        const one = collector('js-1'), two = collector('js-2');
        const options = DeyeBus.Options.new();
        options.set_at_least_once(true);
        one.subscribe(WORK, 'workers', null, null);
        tool.publish(WORK, payload('kept'), options, null);
        const second = two.subscribe(WORK, 'workers', null, null);
        one.close(null); // the message was sent to it, but it has not handled it
        const message = second.next(-1, null);
        check(text(message) === 'kept' && message.get_attempt() === 2, `attempt ${message.get_attempt()}`);
        leave(two);
    },

    childAndFilter() {
        const member = collector('js-1');
        const only = DeyeBus.SubscribeOptions.new();
        only.set_filter_root_id('js-cause');
        const works = member.subscribe(WORK, null, null, null);
        const events = tool.subscribe_full(EVENT, null, only, null, null);
        const cause = DeyeBus.Options.new();
        cause.set_correlation_id('js-cause');
        tool.publish(WORK, null, cause, null);
        const effect = DeyeBus.Options.new().child_of(works.next(-1, null));
        effect.set_correlation_id('js-effect');
        member.publish(EVENT, payload('other'), null, null);
        member.publish(EVENT, payload('mine'), effect, null);
        const event = events.next(-1, null);
        check(text(event) === 'mine' && event.get_parent_id() === 'js-cause' && event.get_depth() === 1, text(event));
        leave(member);
    },

    tasks() {
        const scanner = DeyeBus.Collector.new(address, 'js-scanner', 'scanner');
        const reports = [];
        const results = [];
        scanner.add_operation('scan', null, DeyeBus.OperationFlags.IDEMPOTENT, (_collector, work) => {
            if (work.get_attempt() === 1) {
                work.progress(1, 2, 'reading', null);
                work.retry('the disk is busy', 1);
            } else {
                work.succeed(payload(`${textOf(work.get_payload())} ${work.get_attempt()}`), null);
            }
        });
        let registered = false;
        scanner.start_async(null, (_scanner, result) => {
            registered = scanner.start_finish(result);
        });
        const spec = DeyeBus.TaskSpec.new('scan');
        spec.set_payload(payload('disk'), null);
        const task = tool.submit(spec);
        GObject.signal_connect(task, 'progress', (_task, done, total, what) => reports.push(`${done}/${total} ${what}`));
        task.wait_async(null, (_task, result) => results.push(textOf(task.wait_finish(result))));
        until(() => registered && results.length === 1, 'the result');
        check(results[0] === 'disk 2' && task.get_holder() === 'js-scanner', results[0]);
        check(reports.includes('1/2 reading'), reports.join());
        check(scanner.stop(1000000) && scanner.get_state() === DeyeBus.CollectorState.UNREGISTERED, 'it has stopped');
    },
};

for (const [name, run] of Object.entries(TESTS)) {
    print(name);
    run();
}
tool.close(null);
print('done');
