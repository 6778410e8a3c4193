# SPDX-License-Identifier: Apache-2.0
"""Text of the page that does not come from a run: the reason why a floor is not met, and the change that would meet it. The keys are
the workloads of floors.py."""

NOTES = {
    "ping p99 beside 16 hostile subscribers":
        "The broker offers each ping and each answer to 16 x 1,024 subscriptions. Each subscription has its own window, and all windows are "
        "closed, because the subscribers cannot run 33 million handlers a second. So each offer drops the oldest waiting message of a "
        "subscription. This takes about 70 ns, or 2.4 ms of the broker's CPU time for a round trip. The subscribers use the other CPU. "
        "Equal subscriptions of a peer share an entry of the index, which bounds the cost of matching, but not this cost. To meet the floor, "
        "equal subscriptions of a peer would have to share one queue with a read position for each of them, and a CREDIT frame would have "
        "to name several subscriptions, so that subscriptions with the same position stay together.",
}
