"""A test for each bug that other engines of WireGuard are known to have had.

The bug and where it was seen, then the tests that would find it here.  A bug
without a test says why it cannot be had here.  `test_this_table.py` holds the
table to what there is: each test here, and nobody left out.

A datagram larger than the buffer ends reception (gotatun 0.7.2)
    test_the_largest_datagram_of_any_type_is_dropped_and_reception_goes_on
    test_the_most_that_one_receive_can_bring_is_dropped_and_reception_goes_on
    test_packets_as_long_as_a_datagram_can_hold_arrive
A limit on messages not enforced, a counter of 32 bits: nonces again (gotatun, boringtun)
    test_the_counter_does_not_wrap_at_32_bits
    test_a_session_is_renewed_after_2_to_the_60_messages
    test_nothing_is_sealed_beyond_the_reject_limit
    test_nothing_is_accepted_at_the_reject_limit
The owner of a broader prefix speaks for the owner of a narrower one (gotatun, boringtun, ...)
    test_a_broader_prefix_does_not_let_its_owner_spoof_a_more_specific_peer
Keepalives answered with keepalives (gotatun)
    test_two_idle_peers_do_not_answer_keepalives_with_keepalives
The passive keepalive counted from what was sent (gotatun)
    test_a_keepalive_is_due_ten_seconds_after_data_came_and_not_after_we_spoke
A preshared key that never reaches the tunnel (gotatun)
    test_a_preshared_key_that_is_set_reaches_the_tunnel_with_the_next_handshake
No jitter, needless renewals, a cookie for every handshake after the hundredth (gotatun)
    test_hundreds_of_handshakes_from_one_address_get_no_cookie_while_there_is_no_load
    test_the_session_is_renewed_every_two_minutes_and_not_more_often
    test_initiations_are_not_repeated_in_step
A cookie that is good for every port of an address (gotatun 0.6.0)
    test_a_cookie_is_good_for_the_port_only_that_it_was_sent_to
A response that takes longer than 250 ms is discarded (gotatun 0.4.1)
    test_a_slow_response_is_accepted
A sendmmsg that takes some loses the others (gotatun)
    test_of_many_datagrams_each_that_can_leave_does_and_the_others_are_told
    test_joined_datagrams_that_are_refused_leave_singly_and_none_is_lost
    test_what_did_not_leave_is_counted_as_lost_and_not_as_sent
The endpoint moves with an initiation only (gotatun 0.4.0)
    test_an_endpoint_roams_with_data_alone
The endpoint moves with a cookie reply (gotatun 0.8.0)
    test_a_cookie_reply_does_not_move_the_endpoint
A host without IPv6 does not start (mullvadvpn-app #10654)
    test_an_engine_does_without_ipv6_where_the_host_has_none
    test_a_hostname_file_is_carried_out_where_the_host_has_no_ipv6
A random port that IPv6 cannot have is the end (gotatun 0.5.1)
    test_a_random_port_that_ipv6_cannot_have_is_given_up_for_another
A clock that goes back is the end (gotatun 0.3.0)
    test_a_wall_clock_that_is_set_does_no_harm_to_a_session
    test_a_clock_that_goes_back_raises_nothing
An update of a peer that exists resets it, or is the end (boringtun #209, #153, #227; gotatun)
    test_an_update_of_a_peer_that_exists_keeps_its_session_and_counters
24,000 peers overflow the stack (boringtun #222, #230); 20,000 are slow to tell (wgctrl-go #62)
    test_thirty_thousand_peers_are_taken_and_told_in_a_time_that_grows_with_their_number
Control messages shared, freed, or those of the first of joined datagrams only (amneziawg-go #144)
    test_each_datagram_of_a_batch_is_known_by_the_address_that_it_was_sent_to
    test_a_peer_is_answered_from_the_address_that_it_wrote_to_last
The length of joined datagrams misread (tailscale 16e90dcb2)
    test_the_length_of_joined_datagrams_is_an_int_and_nothing_shorter
    test_a_control_message_that_was_cut_off_or_is_not_there_says_nothing
    test_joined_datagrams_are_cut_where_the_sender_had_them_cut
A TUN that calls super-packets invalid (tailscale #13041, kernels 6.6.44 to 6.10)
    test_super_packets_that_the_tun_calls_invalid_arrive_one_by_one_and_in_order
    test_super_packets_are_tried_again_after_a_while
    test_what_the_tun_refuses_even_singly_is_dropped_and_takes_nothing_with_it
    test_a_tun_without_room_costs_what_was_written_and_no_more
Memory without bound (wireguard-go PR #69, tailscale #7272, amneziawg-go #69)
    test_a_flood_leaves_nothing_in_memory
    test_packets_for_a_peer_that_never_answers_do_not_pile_up
    test_what_is_remembered_of_senders_is_bounded
    test_the_lengths_that_a_flood_chooses_are_not_all_remembered
    test_sources_under_load_are_counted_up_to_a_bound_and_then_forgotten
Removed allowed IPs that stay in the trie (tailscale's fork)
    test_allowed_ips_that_come_and_go_leave_nothing_behind
    test_peers_that_come_and_go_leave_nothing_behind
The index of an initiation that is never given back (several)
    test_ten_thousand_handshakes_that_nobody_answers_leave_no_index_behind
    test_a_thousand_handshakes_leave_no_index_behind
The replay window moved by what is not authentic (pywireguard)
    test_a_forged_counter_does_not_shut_out_what_is_authentic
A clock that was moved forward shuts out for ever (CVE-2021-46873)
    test_a_clock_that_was_ahead_and_is_set_right_does_not_shut_us_out
Two threads at the receive counter (CVE-2024-26861)
    none: one thread moves all packets, and nobody else has the replay window
Four octets read before the length is known (BSD's wg_output, DragonFly DF-0316)
    test_what_is_shorter_than_its_header_is_read_from_the_tun_and_raises_nothing
    test_what_is_shorter_than_its_header_comes_out_of_a_tunnel_and_raises_nothing
    test_what_a_capture_device_puts_into_the_tun_is_read_at_its_length
"""
