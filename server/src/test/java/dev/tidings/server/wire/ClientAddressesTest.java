// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClientAddressesTest {
  private final ClientAddresses addresses =
      new ClientAddresses(
          Stream.of("10.0.0.0/8", "fd00::/16", "192.0.2.7")
              .map(AddressRange::parse)
              .map(Optional::orElseThrow)
              .toList());

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // Who is no proxy of ours may say what it likes.
        "198.51.100.1 | 203.0.113.9              | 198.51.100.1",
        "10.0.0.1     | 203.0.113.9              | 203.0.113.9",
        "10.0.0.1     | 1.1.1.1, 203.0.113.9     | 203.0.113.9",
        "10.0.0.1     | 203.0.113.9, 10.0.0.2    | 203.0.113.9",
        "10.0.0.1     | 203.0.113.9,10.2.3.4,192.0.2.7 | 203.0.113.9",
        "10.0.0.1     | 10.0.0.3, 10.0.0.2       | 10.0.0.3",
        "10.0.0.1     | nonsense, 10.0.0.2       | 10.0.0.2",
        "10.0.0.1     | nonsense                 | 10.0.0.1",
        "10.0.0.1     | 203.0.113.9:4711         | 203.0.113.9",
        "fd00::1      | [2001:db8::5]:4711       | 2001:db8::5",
        "fd00::1      | 2001:db8::5              | 2001:db8::5",
      })
  void client_isTheLastAddressThatIsNoTrustedProxy(String peer, String forwarded, String client)
      throws Exception {
    assertThat(addresses.behind(InetAddress.getByName(peer), List.of(forwarded)))
        .isEqualTo(InetAddress.getByName(client));
  }

  @Test
  void lines_areReadAsOne() throws Exception {
    assertThat(
            addresses.behind(InetAddress.getByName("10.0.0.1"), List.of("203.0.113.9", "10.0.0.2")))
        .isEqualTo(InetAddress.getByName("203.0.113.9"));
    assertThat(addresses.behind(InetAddress.getByName("10.0.0.1"), List.of()))
        .isEqualTo(InetAddress.getByName("10.0.0.1"));
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.255.255, true",
    "10.0.0.0/8, 11.0.0.0, false",
    "10.1.2.3/31, 10.1.2.2, true",
    "10.1.2.3/31, 10.1.2.4, false",
    "0.0.0.0/0, 203.0.113.9, true",
    "0.0.0.0/0, ::1, false",
    "::1, ::1, true",
    "::1, ::2, false",
    "2001:db8::/33, 2001:db8:7fff::1, true",
    "2001:db8::/33, 2001:db8:8000::1, false",
    "127.0.0.1, ::ffff:127.0.0.1, true"
  })
  void range_containsWhatBeginsWithItsBits(String range, String address, boolean contained)
      throws Exception {
    assertThat(AddressRange.parse(range).orElseThrow().contains(InetAddress.getByName(address)))
        .isEqualTo(contained);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "10",
        "10.0.0",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "a.example",
        "10.0.0.0/-1"
      })
  void range_ofSomethingElse_isNone(String text) {
    assertThat(AddressRange.parse(text)).isEmpty();
  }
}
