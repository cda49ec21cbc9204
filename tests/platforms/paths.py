# SPDX-License-Identifier: MIT
"""The paths that ./run adapters tries: adapters of QEMU, what is made of them, and what to expect."""
import dataclasses

BOND = """ip link add top type bond mode {mode} miimon 100
for nic in nic0 nic1; do ip link set $nic master top; done"""


@dataclasses.dataclass(frozen=True)
class Path:
    """Both ends are alike, in namespaces of one machine, and meet outside it."""

    name: str
    device: str
    suite: str = "trixie"
    # What the driver and the devices on top of it are.
    modules: tuple = ("virtio_net",)
    nics: int = 1
    cpus: int = 2
    queues: int = 1
    mtu: int = 1500
    top: str = "nic0"
    shape: str = ":"
    churn_mtus: tuple = ()
    # On Ethernet a packet of IPv4 with fewer bytes is padded, and then GRO lets it overtake.
    length_min: int = 18
    length_max: int = 1400
    # Messages that GRO does not join overtake what it holds: regio is held to plain calls with
    # UDP_GRO, not to those without.
    overtakes: bool = False
    # Trains are joined on the way in, by the adapter or by its driver (GRO).
    joins: bool = True
    # The kernel takes no trains for it: it joins only where checksums are left to the adapter.
    refuses: bool = False
    quick: bool = False


ALL = "virtio-net-pci,mrg_rxbuf=on"
NONE = ",".join([ALL, *(f"{feature}=off" for feature in (
    "csum", "gso", "host_tso4", "host_tso6", "host_ecn", "host_ufo", "host_uso", "guest_csum",
    "guest_tso4", "guest_tso6", "guest_ecn", "guest_ufo", "guest_uso4", "guest_uso6"))])
NO_USO = ",".join([ALL, "host_uso=off", "guest_uso4=off", "guest_uso6=off"])
USO = "ethtool -K nic0 tx-udp-segmentation on"
E1000E = ("e1000e",)
VMXNET3 = ("vmxnet3",)

PATHS = (
    Path("virtio", ALL),
    # Linux has it, and leaves it off.
    Path("virtio, USO", ALL, shape=USO, quick=True),
    Path("virtio, USO, Linux 6.1", ALL, suite="bookworm"),
    Path("virtio that has no USO", NO_USO),
    Path("virtio without offloads", NONE, quick=True),
    Path("virtio without offloads, Linux 6.1", NONE, suite="bookworm", refuses=True, quick=True),
    Path("e1000e", "e1000e", modules=E1000E, quick=True),
    Path("e1000e, messages from 8 bytes", "e1000e", modules=E1000E, length_min=8, length_max=64,
         overtakes=True),
    # On from the start; joins TCP alone, and lets GRO join nothing.
    Path("vmxnet3, LRO", "vmxnet3", modules=VMXNET3, shape="ethtool -K nic0 lro on", joins=False),
    Path("vmxnet3", "vmxnet3", modules=VMXNET3, shape="ethtool -K nic0 lro off"),
    Path("VLAN on virtio", ALL, modules=("virtio_net", "8021q"), top="top",
         shape="ip link add link nic0 name top type vlan id 7"),
    Path("bond, active-backup", ALL, modules=("virtio_net", "bonding"), nics=2, top="top",
         shape=BOND.format(mode="active-backup")),
    Path("bond, balance-xor", ALL, modules=("virtio_net", "bonding"), nics=2, top="top",
         shape=BOND.format(mode="balance-xor")),
    Path("bridge on virtio", ALL, modules=("virtio_net", "bridge"), top="top",
         shape="ip link add top type bridge; ip link set nic0 master top"),
    Path("virtio, 4 queues, RSS", ALL + ",mq=on,vectors=10,rss=on", cpus=4, queues=4,
         shape="ethtool -L nic0 combined 4; ethtool -x nic0 >/dev/null"),
    Path("virtio, RPS on 4 processors", ALL, cpus=4,
         shape="echo f >/sys/class/net/nic0/queues/rx-0/rps_cpus"),
    Path("virtio, MTU 1280", ALL, mtu=1280, length_max=1232),
    Path("virtio, MTU 1280, fragments", ALL, mtu=1280, overtakes=True),
    Path("virtio, MTU 9000", ALL, mtu=9000, length_max=8900),
    Path("virtio, MTU changes", ALL, churn_mtus=(1280, 9000, 1500), length_max=1232, quick=True),
    Path("virtio, MTU changes, fragments", ALL, churn_mtus=(1280, 9000, 1500), overtakes=True),
)
