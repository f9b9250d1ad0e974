// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Neighbouring IP addresses: those whose first `bits` are the same as in `address`.
///
/// @param address one of them
/// @param bits 0 to 32 for IPv4, 0 to 128 for IPv6
public record AddressRange(InetAddress address, int bits) {
  private static final Pattern SHAPE = Pattern.compile("([0-9a-fA-F:.]+)(?:/([0-9]{1,3}))?");

  /// The range that `text` writes: an address alone, or in CIDR notation.
  public static Optional<AddressRange> parse(String text) {
    Matcher matcher = SHAPE.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    InetAddress address = NetUtil.createInetAddressFromIpAddressString(matcher.group(1));
    if (address == null) {
      return Optional.empty();
    }
    int all = address.getAddress().length * Byte.SIZE;
    int bits = matcher.group(2) == null ? all : Integer.parseInt(matcher.group(2));
    return bits <= all ? Optional.of(new AddressRange(address, bits)) : Optional.empty();
  }

  /// Whether `other` is one of them.
  boolean contains(InetAddress other) {
    byte[] ours = address.getAddress();
    byte[] theirs = other.getAddress();
    if (ours.length != theirs.length) {
      return false;
    }
    for (int bit = 0; bit < bits; bit++) {
      int differing = ours[bit / Byte.SIZE] ^ theirs[bit / Byte.SIZE];
      if ((differing & (0x80 >> bit % Byte.SIZE)) != 0) {
        return false;
      }
    }
    return true;
  }
}
