//! Which addresses of the network nothing of ours ever asks, and which stay in the local one. The rule that
//! both serve: plain http stays near, and link-local addresses, which hand out a machine's credentials, are refused.

use std::net::IpAddr;

/// Link-local, or naming no single machine: unspecified, multicast, broadcast. Mapped addresses are made canonical first.
pub fn is_unroutable(ip: IpAddr) -> bool {
    ip.is_unspecified()
        || ip.is_multicast()
        || match ip {
            IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        }
}

/// Of a local network.
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}
