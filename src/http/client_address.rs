//! The client's address: the peer of the connection, or the address that a trusted proxy names in `X-Forwarded-For`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The header to which each proxy appends the address that it got the request from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The reverse proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Parses addresses and networks, such as `10.0.0.5` and `10.0.0.0/8`.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let words = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
        let network = |word: &str| {
            let single = word.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            let network = single.or_else(|_| word.parse());
            network.map_err(|_| {
                format!(
                    "'{word}' in trusted_proxies is no address: write one such as 10.0.0.5, \
                     or a network such as 10.0.0.0/8"
                )
            })
        };
        words.map(network).collect::<Result<_, _>>().map(Self)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address that the request comes from. `X-Forwarded-For` is read from its end, as far as trusted proxies wrote
    /// it: up to the first address that is not a trusted proxy. Anybody may have made up what stands before that.
    pub fn client(&self, request: &HttpRequest) -> IpAddr {
        let mut client = request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip()).to_canonical();
        if !self.trust(client) {
            return client;
        }
        let headers: Vec<&[u8]> = request.headers().get_all(FORWARDED_FOR).map(|value| value.as_bytes()).collect();
        let named = headers.iter().rev().flat_map(|header| header.rsplit(|byte| *byte == b','));
        for word in named {
            let Some(address) = std::str::from_utf8(word).ok().and_then(parse) else { break };
            client = address;
            if !self.trust(client) {
                break;
            }
        }
        client
    }
}

/// An address; some proxies append the port.
fn parse(word: &str) -> Option<IpAddr> {
    let word = word.trim();
    let bare = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')).unwrap_or(word);
    let address = bare.parse().ok().or_else(|| word.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn client(trusted: &[&str], peer: &str, headers: &[&str]) -> String {
        let trusted: Vec<String> = trusted.iter().map(|word| (*word).to_owned()).collect();
        let mut request = TestRequest::default().peer_addr(format!("{peer}:4711").parse().unwrap());
        for header in headers {
            request = request.append_header((FORWARDED_FOR, *header));
        }
        TrustedProxies::parse(&trusted).unwrap().client(&request.to_http_request()).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client(&[], "127.0.0.1", &["192.0.2.1"]), "127.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.9", &["192.0.2.1"]), "192.0.2.9");
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_trusted_proxy() {
        let trusted = ["10.0.0.0/8", "2001:db8::1"];
        assert_eq!(client(&trusted, "10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(client(&trusted, "10.0.0.1", &["203.0.113.7, 192.0.2.1, 10.1.1.1"]), "192.0.2.1");
        assert_eq!(client(&trusted, "10.0.0.1", &["203.0.113.7", "192.0.2.1", "10.1.1.1"]), "192.0.2.1");
        assert_eq!(client(&trusted, "10.0.0.1", &["192.0.2.1:5555"]), "192.0.2.1");
        assert_eq!(client(&trusted, "10.0.0.1", &["[2001:db8::7]:5555"]), "2001:db8::7");
        assert_eq!(client(&trusted, "[2001:db8::1]", &["::ffff:192.0.2.1"]), "192.0.2.1");
        assert_eq!(client(&trusted, "[::ffff:10.0.0.1]", &["192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn an_unreadable_address_ends_the_search() {
        assert_eq!(client(&["10.0.0.1"], "10.0.0.1", &["192.0.2.1, unknown"]), "10.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["192.0.2.1, x, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client(&["10.0.0.1"], "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client(&["::ffff:10.0.0.1"], "10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn the_error_for_a_wrong_network_says_what_to_write() {
        assert!(TrustedProxies::parse(&["proxy.intern".into()]).unwrap_err().contains("10.0.0.0/8"));
    }
}
