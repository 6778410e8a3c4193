# SPDX-License-Identifier: Apache-2.0
"""Text of the page that does not come from a run: the reason why a floor is not met, and the change that would meet it. The keys
are the workloads of floors.py."""

NOTES = {
    "round trip p99 beside 16 hostile subscribers":
        "The broker offers each request and each reply to 16 x 1,024 subscriptions. Each subscription has its own window, and all windows are "
        "full, because the subscribers cannot run 33 million handlers per second. So each offer drops the oldest waiting message of a "
        "subscription. One offer takes about 70 ns, and the 2 x 16,384 offers of a round trip take 2.4 ms of the broker's CPU time. The "
        "subscribers occupy the other CPU. Equal subscriptions of a peer share an entry of the index, which bounds the cost of matching, but "
        "not the cost of the offers. To meet the floor, equal subscriptions of a peer would have to share one queue, with a read position for "
        "each subscription, and a CREDIT frame would have to name several subscriptions, so that their positions stay equal.",
    "10,000 wildcard subscriptions, rate / rate with 10":
        "Each message belongs to another subscription than the one before it, so the subscriber returns credit for each message by itself. "
        "Counted by callgrind, a message takes 1,990 instructions of the broker and 1,160 of the subscriber with ten subscriptions, and "
        "2,730 and 1,650 with 10,000. Most of the difference is the CREDIT frame: writing and reading it, finding the subscription, and "
        "releasing the credit of the publisher. To meet the floor, one frame would have to settle all deliveries of a connection up to a "
        "number, and the broker would have to keep their subscriptions in the order of sending.",
    "100,000 wildcard subscriptions, rate / rate with 10":
        "The objects of one topic and its subscription lie in about 25 cache lines of the broker and in some lines of the client. With 100,000 "
        "topics they are in main memory. The broker loads them some frames ahead, and spends nearly half of its time on waiting for these "
        "loads. Loading twice as far ahead and huge pages did not help. By estimate, a message must not touch more than five cache lines "
        "of all processes together to meet the floor.",
    "gather, 50 x 4 KiB":
        "All 50 collectors share two CPUs, so each of them wakes up with cold caches for each question. A question takes about 21,000 "
        "instructions of a collector, in 170 pages and 1,500 cache lines, a third of them in GLib, GObject and libc; measured on one machine, "
        "this takes 30 us of CPU time, where the answering program of the relay takes 9 us. Placing all functions of this path side by side "
        "saves 3 % of it, and sending the answer without a copy saves nothing. Leaving out the report STARTED saves 6 %, but then the broker "
        "could not count the deaths of a handler. To meet the floor, the CPU time of collectors and broker would have to be halved again.",
}
