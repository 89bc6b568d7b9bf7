#!/bin/sh
# Called by BusyBox udhcpc at each DHCP event of a router of the benchmark. It sets the address, and then does
# what the client on this router waits for, in the same breath: netifd's notification (a line in the pipe
# BENCH_DIR/subscribe), or the signal in BENCH_DIR/wake. Where there is neither, the client finds out by itself.
# shellcheck disable=SC2154 # interface, ip, mask and router come from udhcpc
set -eu

# $1: the rest of the status, as netifd prints it.
notify() {
    [ -p "$BENCH_DIR/subscribe" ] || return 0
    wan="{\"interface\":\"wan\",\"proto\":\"dhcp\",\"available\":true,\"pending\":false,$1}"
    # Whoever asks must not see half of it. A shell without programs: nothing here may cost time.
    printf '{"interface":[%s]}\n' "$wan" >"$BENCH_DIR/dump.json"
    printf '{ "interface.%s": %s }\n' "$2" "$wan" 1<>"$BENCH_DIR/subscribe"
}

case "$1" in
    deconfig)
        ip -4 address flush dev "$interface"
        notify '"up":false' down
        ;;
    bound | renew)
        # In one go, as netifd does it: no moment with an address but no way out.
        ip -batch - <<COMMANDS
address flush dev $interface scope global
address add $ip/$mask dev $interface
route replace default via ${router%% *} dev $interface
COMMANDS
        notify "\"up\":true,\"l3_device\":\"$interface\",\"device\":\"$interface\",\"ipv4-address\":[{\"address\":\"$ip\",\"mask\":$mask}],\"ipv6-address\":[],\"ipv6-prefix\":[],\"ipv6-prefix-assignment\":[],\"route\":[{\"target\":\"0.0.0.0\",\"mask\":0,\"nexthop\":\"${router%% *}\",\"source\":\"$ip/32\"}]" update
        if [ -r "$BENCH_DIR/wake" ]; then
            read -r signal pid <"$BENCH_DIR/wake"
            kill -s "$signal" "$pid" 2>/dev/null || true
        fi
        ;;
esac
echo "$1 ${ip:-}" >>"$BENCH_DIR/leases"
