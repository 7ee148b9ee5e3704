" What is a file of hostname.wg(5); see ../syntax/hostname-wg.vim.
autocmd BufNewFile,BufRead hostname.wg[0-9]* setfiletype hostname-wg
