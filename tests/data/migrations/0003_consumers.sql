INSERT INTO consumers (name, cursor_seq, cursor_index) VALUES ('store', 17, 2);
