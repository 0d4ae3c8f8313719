#!/usr/bin/env bash
# A Slurm of one node on this machine, for the tests: real daemons, on the loopback only, without
# accounting. It needs root and Debian's packages, which it installs, and leaves a Slurm that was
# not made by it alone.
#
#   tests/slurm/start.sh           start it, unless it runs
#   tests/slurm/start.sh stop
#   tests/slurm/start.sh restart   the controller alone, while jobs run
set -euo pipefail
CPUS=4 MEMORY_MB=16000 GPUS=4  # said to Slurm, whatever the machine has; the GPUs are null devices
HOST=$(hostname -s)
SPOOL=/var/spool/optplan-slurm
RUN=/run/optplan-slurm
CONFIG=/etc/slurm/slurm.conf

runs() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

end() {
    runs "$1" || return 0
    local process
    process=$(cat "$1")
    kill "$process"
    for _ in $(seq 100); do
        kill -0 "$process" 2>/dev/null || return 0
        sleep 0.1
    done
    echo "process $process of $1 does not end" >&2
    return 1
}

refuse() { echo "no Slurm for the tests: $1" >&2; exit 1; }

if [ -s $CONFIG ] && ! grep -q '^ClusterName=optplan-tests$' $CONFIG; then
    refuse "$CONFIG is not of this script"
fi
case "${1:-start}" in
    start) ;;
    stop) end $RUN/slurmd.pid; end $RUN/slurmctld.pid; end /run/munge/munged.pid; exit ;;
    restart) end $RUN/slurmctld.pid; slurmctld; exit ;;
    *) refuse "$1 is none of start, stop, restart" ;;
esac
if runs $RUN/slurmctld.pid && runs $RUN/slurmd.pid; then
    sinfo
    exit
fi
[ "$(id -u)" = 0 ] || refuse "this takes root"
if ! command -v slurmctld slurmd munged sbatch >/dev/null; then
    command -v apt-get >/dev/null || refuse "there is no apt-get to install it with"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
fi
getent hosts "$HOST" >/dev/null || echo "127.0.0.1 $HOST" >>/etc/hosts

install -d -o munge -g munge -m 755 /run/munge
install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge /etc/munge
if [ ! -s /etc/munge/munge.key ]; then
    (umask 077 && head -c 1024 /dev/urandom >/etc/munge/munge.key)
    chown munge:munge /etc/munge/munge.key
fi
runs /run/munge/munged.pid || runuser -u munge -- /usr/sbin/munged --force

install -d -m 755 $RUN $SPOOL $SPOOL/controller $SPOOL/node /etc/slurm
for number in $(seq 0 $((GPUS - 1))); do
    [ -c $SPOOL/gpu$number ] || mknod $SPOOL/gpu$number c 1 3
done
cat >/etc/slurm/gres.conf <<END
AutoDetect=off
NodeName=$HOST Name=gpu Flags=nvidia_gpu_env File=$SPOOL/gpu[0-$((GPUS - 1))]
END
# Memory is watched every second, as there may be no cgroups here.
cat >$CONFIG <<END
ClusterName=optplan-tests
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=root
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=$SPOOL/controller
SlurmdSpoolDir=$SPOOL/node
SlurmctldPidFile=$RUN/slurmctld.pid
SlurmdPidFile=$RUN/slurmd.pid
SlurmctldLogFile=$SPOOL/slurmctld.log
SlurmdLogFile=$SPOOL/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
MinJobAge=3600
KillWait=5
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=$MEMORY_MB Gres=gpu:$GPUS State=UNKNOWN
PartitionName=main Nodes=$HOST Default=YES MaxTime=1-00:00:00 State=UP
END
runs $RUN/slurmctld.pid || slurmctld -c  # without what an earlier one had in its queue
runs $RUN/slurmd.pid || slurmd
for _ in $(seq 100); do
    if [ "$(sinfo --noheader --format %T)" = idle ]; then
        sinfo
        exit
    fi
    sleep 0.1
done
tail -20 $SPOOL/*.log >&2
refuse "its node does not come up"
