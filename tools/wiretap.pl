#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Stand between a client and its gateway, pass everything on, and keep it.
#   wiretap.pl FOLDER PORT
# Prints "listening on PORT" and runs until it is killed.  Of the N-th
# connection FOLDER/N.up and FOLDER/N.down hold the bytes of each direction,
# FOLDER/N.pieces the milliseconds at which each piece came down, and, once it
# is over, FOLDER/N.up.body and FOLDER/N.down.body what HTTP was around.
# Needs what every Debian has: perl-base.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use POSIX ();

my ($folder, $port) = @ARGV;
die "usage: wiretap.pl FOLDER PORT\n" unless defined $port;

# Ticks of 10 ms, of a clock that only goes forward.
sub now_ms { return (POSIX::times())[0] * 10; }

sub keep {
	my ($name, $data) = @_;
	open(my $file, '>>', "$folder/$name") or die "$folder/$name: $!\n";
	print $file $data;
	close($file);
}

# Until either side has ended.
sub relay {
	my ($number, $client, $gateway) = @_;
	my $both = IO::Select->new($client, $gateway);
	while (1) {
		for my $from ($both->can_read) {
			my $down = $from == $gateway;
			sysread($from, my $data, 65536) or return;
			syswrite($down ? $client : $gateway, $data) or return;
			keep($number . ($down ? '.down' : '.up'), $data);
			keep("$number.pieces", now_ms() . "\n") if $down;
		}
	}
}

# The content of one message of HTTP/1.1, with its chunks joined.
sub body {
	my ($name) = @_;
	open(my $file, '<:raw', "$folder/$name") or return '';
	local $/;
	my ($head, $rest) = split(/\r\n\r\n/, <$file>, 2);
	return $rest unless $head =~ /^transfer-encoding: *chunked/im;
	my $body = '';
	while ($rest =~ s/^([0-9a-f]+)\r\n//i && hex($1) > 0) {
		$body .= substr($rest, 0, hex($1));
		$rest = substr($rest, hex($1) + 2);
	}
	return $body;
}

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8)
	or die "cannot listen: $!\n";
$SIG{CHLD} = 'IGNORE';
$| = 1;
print "wiretap: listening on ", $listener->sockport, "\n";
for (my $number = 1; ; $number++) {
	my $client = $listener->accept or next;
	next if fork;
	my $gateway = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
		or die "cannot reach the gateway: $!\n";
	relay($number, $client, $gateway);
	keep("$number.$_.body", body("$number.$_")) for ('up', 'down');
	exit 0;
}
