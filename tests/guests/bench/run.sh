#!/bin/sh
# Runs the bench program in the guest. `benchscale=PERCENT` on the kernel's command line says how
# much of the work is done, `benchrows=NAME,NAME` which of it.
scale=100
rows=
for word in $(cat /proc/cmdline); do
    case $word in
    benchscale=*) scale=${word#benchscale=} ;;
    benchrows=*) rows=$(echo "${word#benchrows=}" | tr , ' ') ;;
    esac
done
# Once through quickly, so that programs and page tables are warm for every workload alike.
/bench/bench -s 1 $rows >/dev/null
echo "BENCH warm 0 0 0"
/bench/bench -s "$scale" $rows
echo "VM-BENCH end"
