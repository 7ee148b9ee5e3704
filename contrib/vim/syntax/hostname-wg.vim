" Vim syntax file
" Language: /etc/hostname.wg0, see hostname.wg(5)
" To use it: cp -R contrib/vim ~/.vim/pack/netstart-wg/start/netstart-wg

if exists('b:current_syntax')
  finish
endif

let s:cpo_save = &cpo
set cpo&vim

syn case match
" Words end at blanks only: no part of a key is a keyword, and -wgpeer is one word.
syn iskeyword 33-126,128-255

syn match hostnameWgAddress /\v<\d{1,3}(\.\d{1,3}){1,3}(\/\d+)?>/
syn match hostnameWgAddress /\v<\x*:\x*:[0-9a-fA-F:.]*(\%[^ \t\/]+)?(\/\d+)?>/
syn match hostnameWgNumber /\v<(\d+|0[xX]\x+)>/

syn keyword hostnameWgKeyword inet inet6 dest
syn keyword hostnameWgKeyword alias -alias delete netmask prefixlen broadcast
syn keyword hostnameWgKeyword create destroy up down debug -debug mtu
syn keyword hostnameWgKeyword rdomain -rdomain priority llprio metric -inet -inet6
syn keyword hostnameWgKeyword -rtlabel -description -descr
syn keyword hostnameWgKeyword wgport wgrtable -wgpeerall
syn keyword hostnameWgKeyword group -group rtlabel nextgroup=hostnameWgText skipwhite
syn keyword hostnameWgKeyword wgkey wgpeer -wgpeer nextgroup=hostnameWgKey skipwhite
syn keyword hostnameWgKeyword description descr nextgroup=hostnameWgText,hostnameWgString skipwhite
syn keyword hostnameWgPeerWord wgendpoint wgaip wgpka
syn keyword hostnameWgPeerWord -wgpsk -wgdescr -wgdescription
syn keyword hostnameWgPeerWord wgpsk nextgroup=hostnameWgKey skipwhite
syn keyword hostnameWgPeerWord wgdescr wgdescription nextgroup=hostnameWgText,hostnameWgString skipwhite

syn match hostnameWgKey /[^ \t#]\S*/ contained
syn match hostnameWgText /[^ \t#"'\\]\S*/ contained
syn region hostnameWgString start=/"/ skip=/\\./ end=/"/ oneline
syn region hostnameWgString start=/'/ end=/'/ oneline

syn match hostnameWgContinuation /\\$/
syn match hostnameWgMistake /\\\s\+$/

syn region hostnameWgComment start=/\%(^\|\s\)\@1<=#/ skip=/\\$/ end=/$/ contains=@Spell
syn region hostnameWgCommand start=/^\s*!/ skip=/\\$/ end=/$/ contains=hostnameWgName
syn match hostnameWgName /\$if/ contained

hi def link hostnameWgKeyword Statement
hi def link hostnameWgPeerWord Type
hi def link hostnameWgKey Constant
hi def link hostnameWgAddress Identifier
hi def link hostnameWgNumber Number
hi def link hostnameWgText String
hi def link hostnameWgString String
hi def link hostnameWgContinuation Special
hi def link hostnameWgMistake Error
hi def link hostnameWgComment Comment
hi def link hostnameWgCommand PreProc
hi def link hostnameWgName Identifier

let b:current_syntax = 'hostname-wg'

let &cpo = s:cpo_save
unlet s:cpo_save
