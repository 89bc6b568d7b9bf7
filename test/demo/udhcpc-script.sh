#!/bin/sh
# Called by BusyBox udhcpc at each DHCP event. It sets the address and the way out of the demo's router, and
# tells the demo about the event with one line in the file HOLDFAST_DEMO_LEASES (see namespaces.ts).
# shellcheck disable=SC2154 # interface, ip, mask and router come from udhcpc
set -eu

case "$1" in
    deconfig)
        ip -4 address flush dev "$interface"
        ;;
    bound | renew)
        case "$(ip -4 -oneline address show dev "$interface")" in
            *" $ip/$mask "*)
                # The same lease again: the kernel has it already.
                ;;
            *)
                # In one go, as netifd does it: no moment with an address but no way out.
                ip -batch - <<COMMANDS
address flush dev $interface scope global
address add $ip/$mask dev $interface
route replace default via ${router%% *} dev $interface
COMMANDS
                ;;
        esac
        ;;
esac
echo "$1 ${ip:-}" >>"$HOLDFAST_DEMO_LEASES"
