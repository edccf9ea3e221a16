#!/bin/sh
# Runs the bench program in the guest. `benchscale=PERCENT` on the kernel's command line says how
# much of the work is done.
scale=100
for word in $(cat /proc/cmdline); do
    case $word in benchscale=*) scale=${word#benchscale=} ;; esac
done
# Once through quickly, so that programs and page tables are warm for every workload alike.
/bench/bench -s 1 >/dev/null
echo "BENCH warm 0 0 0"
/bench/bench -s "$scale"
echo "VM-BENCH end"
